"""Large frames in tiles: the same dream, no edges, and out-of-memory errors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pipeline.config import DreamConfig, NetworkConfig, RenderConfig, validate
from pipeline.dream import model_zoo, tiling
from pipeline.dream.dreamer import Dreamer
from pipeline.dream.gradient import TiledGradient, whole_gradient
from pipeline.dream.network import Network
from pipeline.dream.receptive_field import ReceptiveFields
from pipeline.dream.weighted_objective import Objective
from pipeline.errors import ConfigError
from pipeline.targets.target import TargetWeights
from tests.targets.notation import weights_of

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def motifnet() -> Network:
    return model_zoo.build(NetworkConfig(name="motifnet"))


def random(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(height: int = 150, width: int = 200) -> Tensor:
    return (0.45 + 0.2 * torch.randn(1, 3, height, width, generator=random(3))).clamp(0, 1)


def unit(direction: Tensor) -> Tensor:
    return direction / direction.std()


@pytest.mark.parametrize("size", [(150, 200), (97, 1000), (64, 65), (1080, 1920)])
@pytest.mark.parametrize("stride", [2, 16])
def test_tiles_cover_every_pixel_once(size: tuple[int, int], stride: int) -> None:
    for seed in range(8):
        counted = torch.zeros(size)
        for tile in tiling.cut_tiles(size, 64, field=(16, 16), stride=stride, min_side=40, generator=random(seed)):
            for span in (tile.rows, tile.columns):
                assert span.start % stride == 0
                assert span.start <= span.first < span.last <= span.end
                assert 40 <= span.end - span.start <= 64
            counted[tile.rows.first : tile.rows.last, tile.columns.first : tile.columns.last] += 1
        assert torch.equal(counted, torch.ones(size))


def test_cuts_move_from_step_to_step() -> None:
    cuts = [
        tiling.cut_tiles((512, 512), 96, field=(8, 8), stride=8, min_side=16, generator=random(seed))
        for seed in range(12)
    ]
    edges = [{tile.rows.first for tile in each} - {0} for each in cuts]
    assert not set.intersection(*edges)


@pytest.mark.parametrize(
    "targets",
    [
        weights_of({"three": 1.0}),
        weights_of({"two:5": 1.0, "three:3": -0.5}),
        weights_of({"one": 1.0, "three": 1.0, "two:3": 0.5}),
        weights_of({"three:3@0.9x0.1": 1.0}),
        weights_of({"dir:three:3>9": 1.0, "two:1": 0.3}),
        weights_of({"diverse:two:2,3,8": 1.0}),
        weights_of({"guide:two:photo.jpg": 1.0}),
    ],
    ids=lambda targets: "+".join(map(str, targets)),
)
def test_tiles_add_up_to_the_gradient_of_the_whole(tiny: Network, targets: TargetWeights) -> None:
    """Also in sums, where what a tile sees of one target has to be weighed against all that the frame sees of it."""
    objective = Objective(tiny, {"photo.jpg": noise(40, 40).flip(2)})
    whole = whole_gradient(objective, noise(), targets, (5, -7))
    for seed in range(3):
        parts = TiledGradient(objective).tiled_gradient(noise(), targets, (5, -7), 64, random(seed))
        assert float((unit(parts) - unit(whole)).std()) < 2e-3


def test_receptive_fields_of_motifnet(motifnet: Network) -> None:
    """MotifNet's arithmetic: 5, then poolings and 3×3 convolutions at 4, 8 and 16 pixels."""
    fields = ReceptiveFields(motifnet)
    assert [fields.stride(f"stage{n}") for n in range(1, 6)] == [2, 4, 8, 8, 16]
    assert [fields.field("stage1"), fields.map_size("stage3", (96, 200))] == [(2, 3), (12, 25)]
    assert 3 < max(fields.field("stage2")) <= 22 < max(fields.field("stage4")) <= 66


def test_fields_without_padding_reach_further_down(shared: Path) -> None:
    """SqueezeNet's places begin where their fields begin, and not in their middle."""
    weights = str(shared / "weights" / "squeezenet1_0-imagenet.pth")
    objective = Objective(model_zoo.build(NetworkConfig(name="squeezenet1_0", weights=weights)))
    tiled, picture = TiledGradient(objective), noise(320, 320)
    before, after = ReceptiveFields(objective.network).field("features.12")
    assert after > before + 16
    whole = unit(whole_gradient(objective, picture, weights_of({"fire9": 1.0}), (0, 0)))
    parts = unit(tiled.tiled_gradient(picture, weights_of({"fire9": 1.0}), (0, 0), 288, random()))
    assert float((parts - whole).std()) < 1e-3


@pytest.mark.parametrize("target", ["stage4:7", "stage4"])
def test_tiles_leave_no_edges(motifnet: Network, target: str) -> None:
    """Every step is cut at the same lines here, and still they have the energy that they have without tiles."""
    objective, size = Objective(motifnet), (256, 256)
    tiled = TiledGradient(objective)
    edges = [
        t.rows.first
        for t in tiling.cut_tiles(size, 160, field=(40, 40), stride=8, min_side=32, generator=random())
        if t.rows.first
    ]
    dreamed = []
    for window in (None, 160):
        canvas = noise(*size)
        for _ in range(3):
            if window is None:
                gradient = whole_gradient(objective, canvas, weights_of({target: 1.0}), (0, 0))
            else:
                gradient = tiled.tiled_gradient(canvas, weights_of({target: 1.0}), (0, 0), window, random())
            canvas = canvas + 0.03 * unit(gradient)
        dreamed.append(canvas)
    whole, parts = dreamed
    energy = [canvas.diff(dim=2).square().mean(dim=(0, 1, 3)) for canvas in (whole, parts)]
    lines = torch.tensor(sorted(set(edges))) - 1
    for changed, plain in ((energy[1][lines], energy[0][lines]), (energy[1], energy[0])):
        assert float(changed.mean() / plain.mean()) == pytest.approx(1, abs=0.02)
    assert float((parts - whole).std()) < 0.1 * float((whole - noise(*size)).std())


def test_dreams_in_tiles_agree_with_whole_dreams(motifnet: Network) -> None:
    canvas, made = noise(200, 256), []
    for tile in ("never", 160):
        config = DreamConfig(octaves=2, steps=2, tile=tile)
        dreamer = Dreamer(Objective(motifnet), config)
        for _ in range(2):
            made.append(dream(dreamer, canvas))
    whole, again, tiled, once_more = made
    assert torch.equal(whole, again)
    assert torch.equal(tiled, once_more)
    assert 0 < float((tiled - whole).std()) < 0.05 * float((whole - canvas).std())


def dream(dreamer: Dreamer, canvas: Tensor) -> Tensor:
    weights = weights_of({"stage4:3": 0.7, "stage4:7": 0.3})
    return dreamer.dream(canvas, lambda scale: weights, dreamer.config, 1 / 8, random())


def test_auto_depends_on_frame_and_device() -> None:
    assert tiling.tile_side("auto", (1440, 2560), CPU) is None
    assert tiling.tile_side("auto", (2160, 3840), CPU) == 1024
    assert tiling.tile_side("never", (4320, 7680), CPU) is None
    assert tiling.tile_side(512, (512, 512), CPU) is None
    assert tiling.tile_side(512, (400, 700), CPU) == 512


def test_tiles_get_smaller_until_there_are_none() -> None:
    output, tile = [], "auto"
    while tile is not None:
        tile = tiling.smaller_side(tile, (1080, 1920), CPU)
        output.append(tile)
    assert output == [704, 320, 128, 64, None]


@pytest.mark.parametrize(("tile", "hint"), [("nevr", r" \(did you mean never\?\)"), (True, ""), ("1.5", "")])
def test_wrong_tile_settings_are_refused(tile: object, hint: str) -> None:
    config = RenderConfig(dream=DreamConfig(tile=tile))
    with pytest.raises(ConfigError, match=rf"dream.tile={tile}: allowed are auto, never, or a whole number.*{hint}"):
        validate(config)


NARROW = """
import resource, sys
from pathlib import Path
import torch
from torch import nn
from pipeline.config import DreamConfig
from pipeline.dream.dreamer import Dreamer
from pipeline.dream.network import Network
from pipeline.dream.weighted_objective import Objective
from pipeline.dream.weights import Weights
from pipeline.errors import DreamError
from pipeline.targets.target import Target

torch.set_num_threads(1)
torch.manual_seed(7)
model = nn.Sequential(nn.Conv2d(3, 48, 3, padding=1), nn.SiLU())
model.add_module("last", nn.Conv2d(48, 8, 3, padding=1))
network = Network("wide", model, (), Weights(Path("wide.safetensors"), "0" * 64))
tile, room = sys.argv[1], int(sys.argv[2])
config = DreamConfig(octaves=1, tile=int(tile) if tile.isdecimal() else tile)
dreamer = Dreamer(Objective(network), config)

def dream(canvas):
    generator = torch.Generator().manual_seed(4)
    targets = {Target("layer", "last", 2): 1.0}
    return dreamer.dream(canvas, lambda scale: targets, config, 1 / 8, generator)

dream(torch.rand(1, 3, 96, 96))
canvas = torch.rand(1, 3, 720, 960)
if room:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + room * 2**20,) * 2)
try:
    dreamed = dream(canvas)
except DreamError as error:
    print(error)
    raise SystemExit(1)
print(dreamer.tile, dreamed.double().sum().item().hex())
"""


def narrow(tile: str, megabytes: int) -> tuple[int, str, str]:
    """Exit code and output of a dream of 720×960 pixels in a process that may take so much more memory (0: any).

    One malloc arena: a new arena reserves 64 MiB of address space, in some runs and not in others.
    """
    if not Path("/proc/self/statm").is_file():
        pytest.skip("only Linux limits a process's memory this way")
    done = subprocess.run(
        [sys.executable, "-c", NARROW, tile, str(megabytes)],
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.returncode, done.stdout.strip(), done.stderr.strip()


@pytest.mark.slow
def test_out_of_memory_leads_to_repeatable_tiles() -> None:
    code, output, error = narrow("auto", 400)
    assert code == 0, error
    tile, _ = output.split()
    assert f"the device ran out of memory; rendering continues in tiles of {tile} pixels (dream.tile={tile})" in error
    assert narrow(tile, 0) == (0, output, "")


@pytest.mark.slow
def test_without_tiles_out_of_memory_is_reported() -> None:
    code, output, _ = narrow("never", 400)
    assert code == 1
    assert output.startswith("the device ran out of memory; try dream.tile=auto, fewer dream.octaves or")


def test_a_gpu_out_of_memory_uses_tiles(motifnet: Network) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU is here")
    device = torch.device("cuda")
    network = model_zoo.build(NetworkConfig(name="motifnet")).to(device, torch.float32)
    dreamer = Dreamer(Objective(network), DreamConfig(octaves=1))
    free, total = torch.cuda.mem_get_info()
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 400 * 2**20) / total)
    try:
        dream(dreamer, noise(1024, 1536).to(device))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert isinstance(dreamer.tile, int)
    assert free > 0
