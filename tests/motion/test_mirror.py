"""Mirrored frames are symmetric, whatever their size, and what lies before the mirrors stays as it is."""

import math

import pytest
import torch
from torch import Tensor

from pipeline.config import CameraRates
from pipeline.motion.camera import Camera
from pipeline.motion.folds import inversion, kaleidoscope
from pipeline.motion.stage import Zoom
from tests.motion.test_bends import FRAME, SIZE, places


def mirrored(canvas: Tensor, mirror: str = "none", symmetry: float = 0) -> Tensor:
    size = (canvas.shape[2], canvas.shape[3])
    stage = Zoom(Camera(lambda index: CameraRates(symmetry=symmetry), 24.0), size, mirror=mirror)
    return stage.finish(canvas, 0)


@pytest.mark.parametrize("size", [(6, 8), (7, 9)])
@pytest.mark.parametrize(("mirror", "flips"), [("half", [3]), ("quarter", [2, 3]), ("x", [3]), ("y", [2])])
def test_mirrored_frame_is_symmetric(mirror: str, flips: list[int], size: tuple[int, int]) -> None:
    canvas = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    frame = mirrored(canvas, mirror)
    assert frame.shape == canvas.shape and not torch.equal(frame, canvas)
    for dim in flips:
        assert torch.equal(frame, frame.flip(dim))
    assert torch.equal(frame[..., : size[0] // 2, : size[1] // 2], canvas[..., : size[0] // 2, : size[1] // 2])


def test_frame_stays_as_it_is_without_mirror() -> None:
    canvas = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(0))
    assert mirrored(canvas) is canvas


@pytest.mark.parametrize("count", range(2, 13))
def test_kaleidoscope_reflects_every_point_into_one_wedge(count: int) -> None:
    x, y = places()
    right, down = (way.double() for way in kaleidoscope(FRAME, count))
    before = torch.atan2(y + down, x + right)
    assert (torch.hypot(x + right, y + down) - torch.hypot(x, y)).abs().max() < 1e-3  # no point comes nearer
    assert float(before.max() - before.min()) <= math.pi / count + 1e-3  # radians
    # Angles differ from those of the copy by an even number of wedges, or mirrored.
    wedge = math.pi / count
    start = math.pi / 2 + wedge * math.floor((float(before.min()) - math.pi / 2 + 1e-3) / wedge)
    turned = torch.remainder(torch.atan2(y, x) - start, 2 * wedge)
    expected = start + torch.minimum(turned, 2 * wedge - turned)
    near = torch.hypot(x, y) > 2
    assert ((before - expected)[near].abs() * torch.hypot(x, y)[near]).max() < 0.1  # pixels


@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_kaleidoscope_has_an_upright_mirror_and_keeps_its_wedge(count: int) -> None:
    canvas = torch.rand(1, 3, SIZE[1], SIZE[0], generator=torch.Generator().manual_seed(0))
    frame = mirrored(canvas, symmetry=count)
    assert (frame - frame.flip(3)).abs().max() < 2e-3
    is_home = (frame == canvas).all(1)[0]
    assert float(is_home.float().mean()) > 0.6 / (2 * count)
    assert torch.equal(mirrored(frame, symmetry=count)[:, :, is_home], frame[:, :, is_home])


def test_circle_mirrors_its_inside() -> None:
    (x, y), radius = places(), 0.4 * SIZE[1]
    right, down = (way.double() for way in inversion(FRAME))
    squares = x * x + y * y
    factor = (radius**2 / squares).clamp(max=1)
    assert (right - x * (factor - 1)).abs().max() < 1e-3 and (down - y * (factor - 1)).abs().max() < 1e-3
    canvas = torch.rand(1, 3, SIZE[1], SIZE[0], generator=torch.Generator().manual_seed(0))
    is_inside = squares < radius**2
    frame = mirrored(canvas, "radial")
    assert torch.equal(frame[:, :, is_inside], canvas[:, :, is_inside]) and not torch.equal(frame, canvas)
