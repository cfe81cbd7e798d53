"""Mirrored frames are symmetric, whatever their size."""

import pytest
import torch

from pipeline.cue import CameraRates
from pipeline.motion.camera import Camera
from pipeline.motion.stage import Zoom


@pytest.mark.parametrize("size", [(6, 8), (7, 9)])
@pytest.mark.parametrize(("mirror", "flips"), [("half", [3]), ("quarter", [2, 3])])
def test_mirrored_frame_is_symmetric(mirror: str, flips: list[int], size: tuple[int, int]) -> None:
    canvas = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    stage = Zoom(Camera(lambda index: CameraRates(), 24.0), size, mirror=mirror)
    mirrored = stage.finish(canvas, 0)
    assert mirrored.shape == canvas.shape and not torch.equal(mirrored, canvas)
    for dim in flips:
        assert torch.equal(mirrored, mirrored.flip(dim))
    assert torch.equal(mirrored[..., : size[0] // 2, : size[1] // 2], canvas[..., : size[0] // 2, : size[1] // 2])


def test_frame_stays_as_it_is_without_mirror() -> None:
    canvas = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(0))
    assert Zoom(Camera(lambda index: CameraRates(), 24.0), (6, 8)).finish(canvas, 0) is canvas
