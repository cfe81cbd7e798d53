"""Properties of whole shots, with real networks."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from torch import Tensor

from pipeline import film
from pipeline.build import build_shot
from pipeline.cli import compose as command
from pipeline.dream import model_zoo
from pipeline.dream.weighted_objective import Objective
from pipeline.image import from_array
from pipeline.media.decode.image_file import load_still
from pipeline.media.decode.probe import read_frame
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.planner import plan_film
from pipeline.shot import Shot, Step
from tests.targets.notation import target_of


def planned(tmp_path: Path, *overrides: str) -> FilmPlan:
    command.register()
    with initialize_config_dir(str(command.CONF), version_base="1.3"):
        config = command.read(compose("config", list(overrides)))
    return plan_film(config, tmp_path, "film")


def shot_of(plan: FilmPlan) -> Shot:
    return build_shot(plan.shots[0], model_zoo.build(plan.config.network))


def steps(plan: FilmPlan) -> list[Step]:
    shot = shot_of(plan)
    *_, canvas = (shot.canvas, *shot.begin())
    return list(shot.render(canvas))


def run(plan: FilmPlan) -> list[torch.Tensor]:
    return [step.frame for step in steps(plan)]


TINY = ("frame.width=96", "frame.height=64", "dream.octaves=2", "start.steps=6")


def test_resumed_frame_has_the_same_bits(tmp_path: Path) -> None:
    plan = planned(tmp_path, *TINY, "duration=6f", "dream.echo=0.3", "dream.momentum=0.8")
    whole = steps(plan)
    rest = shot_of(plan).render(whole[2].canvas, first=3)
    assert all(torch.equal(a.frame, b.frame) for a, b in zip(whole[3:], rest, strict=True))


def test_momentum_calms_a_film(tmp_path: Path) -> None:
    """The same forms grow with less than half of the changes from frame to frame."""
    film = (*TINY, "network=motifnet", "duration=16f", "camera=static", "score=constant")
    changes = {}
    for momentum in ("0", "0.85"):
        frames = run(planned(tmp_path, *film, f"dream.momentum={momentum}"))[8:]
        changes[momentum] = float(torch.stack([(b - a).abs().mean() for a, b in pairwise(frames)]).mean())
    assert 0 < changes["0.85"] < changes["0"] / 2


@pytest.mark.parametrize(
    ("settings", "others"),
    [
        ("dream.momentum=0.1 dream.coarse_momentum=0", "dream.momentum=0.9 dream.coarse_momentum=0"),
        ("dream.momentum=0.1 dream.coarse_momentum=0", "dream.momentum=0.1 dream.coarse_momentum=0.95"),
    ],
)
def test_momentum_begins_once_the_noise_has_grown(tmp_path: Path, settings: str, others: str) -> None:
    """The last quarter of the frames that grow have the full size already."""
    words = (*TINY, "network=motifnet", "dream.octaves=6", "start.unfold=20f", "duration=23f")
    frames = (run(planned(tmp_path, *words, *each.split())) for each in (settings, others))
    same = [torch.equal(*pair) for pair in zip(*frames, strict=True)]
    assert all(same[:20]) and not same[-1]


def test_a_shot_goes_on_with_momentum_from_colors_alone(tmp_path: Path) -> None:
    shot = shot_of(planned(tmp_path, *TINY, "duration=2f", "dream.momentum=0.8"))
    step = next(iter(shot.render(torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(1)))))
    assert step.frame.shape == (1, 3, 64, 96)
    assert step.canvas.shape == (1, 6, 64, 96)


def hidden_seconds(shot: Shot) -> list[float]:
    """How long each hidden dream of the shot is."""
    seconds = list[float]()

    class Recorder:
        def dream(self, canvas: Tensor, targets: object, dream: object, length: float, *more: object) -> Tensor:
            seconds.append(length)
            return canvas

    list(replace(shot, dreamer=replace(shot.dreamer, dreamer=cast(Any, Recorder()))).begin())
    return seconds


def test_boost_strengthens_the_hidden_growth(tmp_path: Path) -> None:
    film = (*TINY, "network=motifnet", "duration=2f", "camera=static", "start.boost=2")
    boosted = shot_of(planned(tmp_path, *film, "dream.strength=0.2", "dream.tone_rate=3"))
    factor = boosted.warm_up[0].boost
    strong = shot_of(
        planned(tmp_path, *film, f"dream.strength={0.2 * factor}", f"dream.tone_rate={3 * factor}", "start.boost=1")
    )
    assert factor > 1.5
    assert torch.allclose(*(next(shot.begin()) for shot in (boosted, strong)), atol=1e-5)
    assert hidden_seconds(boosted) == pytest.approx([step.boost / 24 for step in boosted.warm_up])


def test_boost_strengthens_an_opening_and_nothing_after_it(tmp_path: Path) -> None:
    film = (*TINY, "network=motifnet", "duration=10f", "camera=static", "start.unfold=8f", "start.boost=2")
    boosted = shot_of(planned(tmp_path, *film, "dream.strength=0.2", "dream.tone_rate=3"))
    factors = [boosted.stage.boost(index) for index in range(10)]
    assert factors[0] > 1.5 and factors[7:] == [1, 1, 1]
    strong = (f"dream.strength={0.2 * factors[0]}", f"dream.tone_rate={3 * factors[0]}", "start.boost=1")
    first, as_strong = (
        next(iter(shot.render(shot.canvas))).frame for shot in (boosted, shot_of(planned(tmp_path, *film, *strong)))
    )
    assert torch.allclose(first, as_strong, atol=1e-5)


def test_camera_and_targets_follow_seconds_at_any_rate(tmp_path: Path) -> None:
    shots = [
        shot_of(planned(tmp_path, *TINY, f"frame.fps={fps}", "score=fractal", "camera.zoom='0s: 1.2, 4s: 1.9'"))
        for fps in (12, 24)
    ]
    for second in (0.0, 1.0, 2.5, 7.75):
        slow, fast = (shot.score.at(second) for shot in shots)
        assert slow.camera.zoom == pytest.approx(fast.camera.zoom)
        for scale in (0.3, 0.6, 1.0):
            assert slow.targets(scale) == pytest.approx(fast.targets(scale))


def test_luma_mask_leaves_shadows_alone(tmp_path: Path) -> None:
    plain = run(planned(tmp_path, *TINY, "duration=1f", "start.steps=1", "dream.mask=luma"))
    shot = shot_of(planned(tmp_path, *TINY, "duration=1f", "start.steps=1", "dream.mask=luma"))
    canvas = torch.full_like(plain[0], 0.02)
    canvas[..., 48:] = 0.9
    (step,) = shot.render(canvas)
    change = (step.frame - canvas).abs()
    assert float(change[..., :40].mean()) < 0.1 * float(change[..., 56:].mean())


# Both come round every 96 frames. The film opens with the owl alone, so the first round is taken from frame 60 on.
TWO = ("network=motifnet", "score.targets=[class:owl,class:agate]")


@pytest.mark.slow
def test_long_film_keeps_tone_and_sharpness(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = run(planned(tmp_path, "frame.width=160", "frame.height=96", "duration=300f", "score=fractal", *TWO))
    figures = {
        "mean": [float(f.mean()) for f in frames],
        "contrast": [float(f.std()) for f in frames],
        "clipped": [float(((f < 0.02) | (f > 0.98)).float().mean()) for f in frames],
        "sharpness": [float(f.diff(dim=3).abs().mean()) for f in frames],
    }
    first = {name: float(np.mean(values[60:156])) for name, values in figures.items()}
    last = {name: float(np.mean(values[204:])) for name, values in figures.items()}
    with capsys.disabled():
        for name in figures:
            print(f"\n{name}: frames 60 to 155 {first[name]:.3f}, 204 to 299 {last[name]:.3f}", end="")
    assert abs(last["mean"] - first["mean"]) < 0.04
    assert abs(last["contrast"] - first["contrast"]) < 0.04
    assert last["clipped"] < first["clipped"] + 0.03
    assert last["sharpness"] > 0.75 * first["sharpness"]


@pytest.mark.slow
def test_targets_grow_in_a_photograph(tmp_path: Path, shared: Path) -> None:
    lion = shared / "media" / "lion.jpg"
    plan = planned(
        tmp_path,
        *("start=image", f"start.path={lion}", "network=squeezenet1_0", "score=cycle", "duration=36f"),
        f"network.weights={shared}/weights/squeezenet1_0-imagenet.pth",
        *("frame.width=240", "frame.height=136"),
    )
    made = film.render(plan)
    target = plan.config.network.default_targets[0]
    objective = Objective(model_zoo.build(plan.config.network))
    photograph = load_still(lion, width=plan.width, height=plan.height)
    last = from_array(read_frame(made.video, plan.frames - 1) / 255.0)
    assert objective.activation(last, target_of(target)) > 3 * objective.activation(photograph, target_of(target))


def test_plan_counts_frames_exactly(tmp_path: Path) -> None:
    plan = planned(tmp_path, "duration=1m30s", "frame.fps=29.97")
    assert plan.fps == Fraction(30000, 1001)
    assert plan.frames == round(90 * 30000 / 1001)
