"""Generated pictures in films: which picture when, in the shape of the frame, checked before the film."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.config import CameraRates, DreamConfig, FlowConfig, ImagineConfig, RenderConfig, SourceConfig, StartConfig
from pipeline.cue import Cue
from pipeline.errors import ConfigError, RenderError
from pipeline.inputs.first_canvas import begin_at_targets, imagined_canvas
from pipeline.inputs.latent_ascent import ascend
from pipeline.inputs.latent_encode import encode
from pipeline.inputs.latent_walk import LatentWalk, Point, between, in_frame, walk_frames
from pipeline.inputs.prior import Prior
from pipeline.media.decode.image_file import load_still, save_png
from pipeline.motion.camera import Camera
from pipeline.motion.stage import Zoom
from pipeline.networks import motifnet
from pipeline.networks.generator_header import BUILT_IN, EMBEDDED, read_header
from pipeline.networks.imagine_plan import ImaginePlan
from pipeline.networks.trained_generator import load_generator
from pipeline.plan.imagine import plan_imagine
from pipeline.shot import Clock
from pipeline.targets.target import Target
from pipeline.timing.beat_grid import even_grid
from pipeline.timing.signals import Signals
from scripts.motifnet import compose

SIZE = (48, 80)
FPS = 12
CPU = torch.device("cpu")
METRONOME = Signals(even_grid(120, 4), attack=0.01, release=0.25)


def plan(z: str | None, seconds: float = 4.0, **settings: object) -> tuple[ImaginePlan, ImagineConfig]:
    imagine = ImagineConfig(z=z, **settings)  # type: ignore[arg-type]
    config = RenderConfig(source=SourceConfig(kind="imagine"), imagine=imagine, seed=5)
    planned = plan_imagine(config, seconds, Fraction(FPS), METRONOME)
    assert planned is not None
    return planned, imagine


def walk(z: str | None, period: float = 0.0, **settings: object) -> LatentWalk:
    return LatentWalk(*plan(z, **settings), SIZE, FPS, period)


def difference(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).abs().mean())


def test_embedded_generators_are_small_and_know_the_motifs() -> None:
    for path, measure in ((EMBEDDED, "bits_per_dimension"), (BUILT_IN["helmholtz"], "free_energy")):
        assert path.stat().st_size <= 4_000_000
        header = load_generator(path).header
        assert header.classes == motifnet.CLASSES
        assert header.card[measure][-1][1] < header.card[measure][0][1]


def test_motifnet_names_the_samples() -> None:
    """MotifNet learned from drawings by the same hand, so this says that motifs are whole, not that they are varied."""
    generator, judge = load_generator().generator, motifnet.load()
    classes = len(motifnet.CLASSES)
    labels = torch.arange(classes).repeat_interleave(3)
    noise = torch.randn(len(labels), generator.shape.latent, generator=torch.Generator().manual_seed(11))
    with torch.no_grad():
        pictures = generator(0.7 * noise, torch.eye(classes)[labels])
        answers = judge(torch.nn.functional.interpolate(pictures, scale_factor=2, mode="bicubic")).mean((2, 3))
    assert float((answers.argmax(1) == labels).float().mean()) >= 0.8


def test_walk_rests_at_its_keys_and_never_jumps() -> None:
    path = walk("0s: class:owl seed:2, 2s: class:rose")
    pictures = [path.picture(n / FPS) for n in range(3 * FPS)]
    steps = [difference(a, b) for a, b in pairwise(pictures)]
    whole = difference(pictures[0], pictures[2 * FPS])
    assert whole > 0.05 and max(steps) < whole / 4
    assert steps[0] < max(steps) / 2 and torch.equal(pictures[-1], pictures[2 * FPS])


def test_walk_by_seeds_goes_at_its_speed() -> None:
    path, faster = walk("class:owl seed:3", speed=0.5), walk("class:owl seed:3", speed="0.25 + t/4")
    assert torch.equal(path.picture(2.0), walk("class:owl seed:4").picture(0.0))
    assert difference(path.picture(2.0), faster.picture(2.0)) < difference(path.picture(1.0), faster.picture(1.0)) / 9


@pytest.mark.parametrize("z", ["seed:1", "1s: seed:1, 3s: class:fern"])
def test_loop_ends_where_it_began(z: str) -> None:
    path = walk(z, period=4.0, speed=0.9)
    assert torch.allclose(path.picture(0.0), path.picture(4.0), atol=1e-4)
    steps = sorted(difference(path.picture(n / FPS), path.picture((n + 1) / FPS)) for n in range(4 * FPS))
    assert difference(path.picture(4.0 - 1 / FPS), path.picture(0.0)) <= steps[-1]
    assert steps[-1] > 0.005


def test_frames_are_the_same_from_any_first_one() -> None:
    planned, config = plan("seed:1", speed=2)
    read = walk_frames(planned, config, SIZE, Clock(FPS), 8)
    late, whole = list(read(5)), list(read(0))
    assert len(whole) == 8 and all(torch.equal(a, b) for a, b in zip(late, whole[5:], strict=True))


def test_noise_turns_without_losing_length() -> None:
    weights = torch.eye(2)
    a, b = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 3.0]])
    middle = between(Point(a, weights[:1]), Point(b, weights[1:]), 0.5)
    assert middle.noise.norm() == pytest.approx(3.0) and middle.weights.tolist() == [[0.5, 0.5]]
    assert torch.equal(between(Point(a, weights[:1]), Point(-a, weights[1:]), 0.5).noise, torch.zeros(1, 2))


@pytest.mark.parametrize("size", [(48, 80), (80, 48), (64, 64), (20, 90)])
@pytest.mark.parametrize("fit", ["whole", "fill"])
def test_picture_fits_any_frame(size: tuple[int, int], fit: str) -> None:
    ramp = torch.linspace(0.2, 0.8, 32).expand(1, 3, 32, 32).contiguous()
    frame = in_frame(ramp, size, fit)
    assert frame.shape[2:] == size and 0.1 < float(frame.min()) and float(frame.max()) < 0.9


def test_start_grows_from_the_generators_picture() -> None:
    planned, _ = plan("class:sunflower")
    config = RenderConfig(start=StartConfig(kind="imagine", size=32))
    canvas = imagined_canvas(planned, config, SIZE, torch.mean, CPU)
    assert canvas.shape[2:] == (32, 53)
    yellow = canvas[0, :, 12:20, 22:31].mean(dim=(1, 2))
    assert yellow[0] > yellow[2] + 0.1


def test_dreamed_start_fires_its_target() -> None:
    """A value that wants yellow finds a class that has it, and raises it."""

    def yellowness(picture: torch.Tensor) -> torch.Tensor:
        return (picture[:, 0] + picture[:, 1] - 2 * picture[:, 2]).mean()

    net = load_generator().generator
    noise, weights = ascend(net, yellowness, None, seed=1, truncation=0.7, steps=6)
    after = yellowness(net(noise, weights))
    typical = [yellowness(net(torch.zeros(1, 48), row[None])) for row in torch.eye(len(motifnet.CLASSES))]
    assert float(after) > max(map(float, typical)) and noise.norm() <= 0.7 * 48**0.5 + 1e-4


@pytest.mark.parametrize(
    ("targets", "label"),
    [
        ({Target("class", name="owl"): 0.4, Target("class", name="rose"): 0.6}, "rose"),
        ({Target("class", name="no motif"): 1.0}, None),
        ({Target("class", name="owl"): -1.0}, None),
    ],
)
def test_dreamed_start_begins_at_a_known_class(targets: dict[Target, float], label: str | None) -> None:
    config = RenderConfig(start=StartConfig(kind="imagine"), imagine=ImagineConfig(z="dream"))
    planned = plan_imagine(config, 4.0, Fraction(FPS), METRONOME)
    assert planned is not None
    expected = None if label is None else motifnet.CLASSES.index(label)
    assert begin_at_targets(planned, targets).places[0].label == expected
    named = plan_imagine(replace(config, imagine=ImagineConfig(z="class:cat dream")), 4.0, Fraction(FPS), METRONOME)
    assert named is not None and begin_at_targets(named, targets) == named


def test_prior_pulls_toward_the_class_of_the_target() -> None:
    """A grey canvas turns toward an owl's blue ground; with dream.prior=0 nothing happens."""
    zoom = Zoom(Camera(lambda index: CameraRates(), FPS), SIZE)
    stage, grey = Prior(zoom, load_generator(), 0.7, FPS, 0.5), torch.full((1, 3, *SIZE), 0.5)
    cues = [
        Cue(
            0.0,
            CameraRates(),
            DreamConfig(prior=prior),
            FlowConfig(),
            lambda scale: {Target("class", name="owl"): 1.0},
            "",
        )
        for prior in (0.0, 0.5)
    ]
    assert torch.equal(stage.advance(grey, cues[0], 0), grey)
    pulled = stage.advance(grey, cues[1], 0)
    owl = walk("class:owl", truncation=0.0).picture(0.0)
    assert difference(pulled, owl) < 0.9 * difference(grey, owl)
    fine = pulled - torch.nn.functional.avg_pool2d(pulled, 5, 1, 2, count_include_pad=False)
    assert float(fine.abs().mean()) < 0.05


def test_walk_grows_up_with_its_generator() -> None:
    """At first nearly grey; between two states there is no jump; at the end the typical picture of its class."""
    path = walk("class:mushroom", model="helmholtz", age="0s: 0, 4s: 1", truncation=0.0)
    pictures = [path.picture(n / FPS) for n in range(4 * FPS + 1)]
    steps = [difference(a, b) for a, b in pairwise(pictures)]
    assert float(pictures[0].std()) < 0.05 < float(pictures[-1].std())
    assert max(steps) < difference(pictures[0], pictures[-1]) / 3
    grown = walk("class:mushroom", model="helmholtz", truncation=0.0)
    assert torch.equal(grown.picture(0.0), pictures[-1])
    assert torch.equal(path.picture(1.0), pictures[FPS])  # from any frame


def test_age_needs_earlier_states() -> None:
    with pytest.raises(ConfigError, match="no earlier states"):
        plan("seed:1", age=0.5)


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wide picture whose middle is a sunflower of the generator's, a little brighter than it makes them."""
    noise = torch.randn(1, 48, generator=torch.Generator().manual_seed(2)) * 0.8
    weights = torch.eye(42)[[motifnet.CLASSES.index("sunflower")]]
    with torch.no_grad():
        picture = in_frame(load_generator().generator(noise, weights) * 0.95 + 0.05, (90, 120), "whole")
    path = tmp_path_factory.mktemp("photograph") / "sunflower.png"
    save_png(picture, path)
    return path


def encoded(z: str, photograph: Path, **settings: object) -> LatentWalk:
    imagine = ImagineConfig(z=z, to=str(photograph), **settings)  # type: ignore[arg-type]
    source, start = SourceConfig(kind="imagine"), StartConfig(path=str(photograph))
    config = RenderConfig(source=source, imagine=imagine, start=start, seed=5)
    planned = plan_imagine(config, 4.0, Fraction(FPS), METRONOME)
    assert planned is not None
    return LatentWalk(planned, imagine, (64, 64), FPS)


def test_walk_leads_from_photograph_to_photograph(photograph: Path) -> None:
    """The first picture is near to its photograph, nearer than the typical one of its class; as an owl it is not."""
    original = load_still(photograph, width=64, height=64)
    path = encoded("0s: encode, 2s: class:castle, 100%: class:owl encode:to", photograph)
    typical = LatentWalk(*plan("class:sunflower", truncation=0.0), (64, 64), FPS)
    near = difference(path.picture(0.0), original)
    assert near < 0.03 and near < 0.6 * difference(typical.picture(0.0), original)
    assert 1.5 * near < difference(path.picture(4.0), original) < difference(path.picture(2.0), original)


@pytest.mark.parametrize("name", ["castle", "cat", "lion"])
def test_photograph_is_encoded_as_one_whole_thing(name: str) -> None:
    """The drawing is not of the generator's style: by pixels, estimates as other things are nearer."""
    label = motifnet.CLASSES.index(name)
    drawing = compose.picture(label, 64, np.random.default_rng(11), compose.Style(radius=(0.3, 0.4)))
    square = torch.from_numpy(drawing).float().permute(2, 0, 1)[None]
    _, weights = encode(load_generator().generator, square, steps=1)
    assert int(weights.argmax()) == label and float(weights.max()) == 1


@pytest.mark.parametrize(
    ("z", "words"),
    [
        ("class:owll", "did you mean owl"),
        ("encode", "start.path=photo.jpg"),
        ("0s: seed:1, 2s: encode:to", "imagine.to=photo.jpg"),
        ("encode seed:2", "as a class at most"),
        ("encode dream", "as a class at most"),
        ("encode:photo.jpg", "write seed:7"),
        ("seed:x", "whole number"),
        ("owl", "write seed:7"),
        ("dream", "for start=imagine"),
        ("seed:1 seed:2", "write seed:7"),
        ("0s: seed:1, 0s: seed:2", "two keys"),
        ("0s: seed:1, 4q: seed:2", "unit of time"),
        ("seed:99999999999999999999", "whole number"),
    ],
)
def test_bad_places_are_refused(z: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        plan(z)


def test_weights_of_another_kind_are_refused() -> None:
    with pytest.raises(RenderError, match="StyleGAN"):
        read_header(motifnet.WEIGHTS)
