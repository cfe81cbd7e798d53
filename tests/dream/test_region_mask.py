"""Regions: what lies outside stays as it was."""

import pytest
import torch
from torch import Tensor

from pipeline.config import DreamConfig
from pipeline.dream.dreamer import Dreamer
from pipeline.dream.network import Network
from pipeline.dream.region_mask import RegionMasks
from pipeline.dream.weighted_objective import Objective
from pipeline.targets.region import Region
from pipeline.targets.target import TargetWeights, parse_target
from tests.targets.notation import target_of, weights_of

HEIGHT, WIDTH = 96, 128


def region(text: str) -> Region:
    parsed = parse_target(f"class:owl{{{text}}}", "key").region
    assert parsed is not None
    return parsed


def noise() -> Tensor:
    return 0.45 + 0.1 * torch.randn(1, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(3))


def drawing() -> Tensor:
    """A mask that is white in the lower right quarter."""
    picture = torch.zeros(1, 3, 48, 64)
    picture[..., 24:, 32:] = 1
    return picture


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("left", (48, 20), (48, 108)),
        ("right", (48, 108), (48, 20)),
        ("top", (10, 64), (86, 64)),
        ("bottom", (86, 64), (10, 64)),
        ("center", (48, 64), (4, 4)),
        ("circle(0.25,0.5,0.2)", (48, 32), (48, 64)),
        ("not circle(0.25,0.5,0.2)", (48, 64), (48, 32)),
        ("mask.png", (80, 110), (20, 20)),
        ("not mask.png", (20, 20), (80, 110)),
    ],
)
def test_masks_are_1_inside_and_0_outside(text: str, inside: tuple[int, int], outside: tuple[int, int]) -> None:
    mask = RegionMasks({"mask.png": drawing()}).draw(region(text), (HEIGHT, WIDTH), torch.device("cpu"))
    assert mask.shape == (1, 1, HEIGHT, WIDTH)
    assert float(mask[0, 0][inside]) == pytest.approx(1, abs=1e-3)
    assert float(mask[0, 0][outside]) == pytest.approx(0, abs=1e-3)
    assert float(mask.diff(dim=2).abs().max()) < 0.3  # soft edges
    assert float(mask.diff(dim=3).abs().max()) < 0.3


@pytest.mark.parametrize("text", ["left", "center", "circle(0.3,0.4,0.3)", "not circle(0.5,0.5,0.3)", "mask.png"])
@pytest.mark.parametrize("tone", ["hold", "free"])
def test_pixels_outside_a_region_hardly_change(tiny: Network, text: str, tone: str) -> None:
    masks = RegionMasks({"mask.png": drawing()})
    dreamer = Dreamer(Objective(tiny), DreamConfig(octaves=3, tone=tone), masks)
    generator, canvas = torch.Generator().manual_seed(0), noise()
    targets = weights_of({f"three{{{text}}}": 1.0})
    for _ in range(12):
        canvas = dreamer.dream(canvas, lambda scale: targets, dreamer.config, 1 / 24, generator)
    mask = masks.draw(region(text), (HEIGHT, WIDTH), torch.device("cpu"))[0, 0]
    change = (canvas - noise()).abs().mean(dim=(0, 1))
    assert float(change[mask < 0.01].mean()) < 0.1 * float(change[mask > 0.99].mean())
    assert float(change[mask < 0.01].max()) < 0.1 * float(change[mask > 0.99].max())


def test_two_regions_each_dream_at_full_strength(tiny: Network) -> None:
    objective = Objective(tiny)
    dreamer = Dreamer(objective, DreamConfig(octaves=1, tone="free"))

    def dream(targets: TargetWeights) -> Tensor:
        generator, canvas = torch.Generator().manual_seed(0), noise()
        for _ in range(8):
            canvas = dreamer.dream(canvas, lambda scale: targets, dreamer.config, 1 / 24, generator)
        return canvas

    both = dream(weights_of({"two:3{left}": 1.0, "two:8{right}": 1.0}))
    left, right = both[..., :48], both[..., -48:]
    assert objective.activation(left, target_of("two:3")) > objective.activation(right, target_of("two:3"))
    assert objective.activation(right, target_of("two:8")) > objective.activation(left, target_of("two:8"))
    change, alone = (
        float((made - noise()).abs()[..., :48].mean()) for made in (both, dream(weights_of({"two:3{left}": 1.0})))
    )
    assert change == pytest.approx(alone, rel=0.25)


def test_without_a_region_nothing_is_held_back() -> None:
    masks, size = RegionMasks({}), (HEIGHT, WIDTH)
    assert masks.cover([weights_of({"three": 1.0})], size, torch.device("cpu")) is None
    assert masks.cover([], size, torch.device("cpu")) is None
    mixed = masks.cover([weights_of({"three": 1.0, "two{left}": 1.0})], size, torch.device("cpu"))
    assert mixed is not None and float(mixed.min()) == 1.0
