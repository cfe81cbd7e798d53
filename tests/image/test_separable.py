"""Resampling by small matrices agrees with torch's own."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.image import resize, separable

SIZES = [((60, 96), (40, 64)), ((60, 96), (17, 23)), ((17, 23), (60, 96)), ((7, 5), (3, 11)), ((1, 2), (6, 4))]


def picture(size: tuple[int, int], channels: int = 3) -> Tensor:
    return torch.rand(1, channels, *size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("before", "after"), SIZES)
def test_resize_is_bicubic_with_antialiasing(before: tuple[int, int], after: tuple[int, int]) -> None:
    frame = picture(before)
    expected = F.interpolate(frame, size=after, mode="bicubic", antialias=True)
    assert torch.allclose(resize(frame, after), expected, atol=5e-5)


def test_a_film_of_half_the_size_keeps_its_mean() -> None:
    frame = picture((64, 128))
    assert float(resize(frame, (32, 64)).mean()) == pytest.approx(float(frame.mean()), abs=1e-3)


@pytest.mark.parametrize(("factor", "shift"), [(0.9, 0.0), (1.0, 3.3), (1.3, -2.4)])
def test_places_outside_show_the_mirror_image(factor: float, shift: float) -> None:
    height, width = 40, 72
    frame = picture((height, width), channels=6)
    rows, columns = (
        (torch.arange(side, dtype=torch.float64) - (side - 1) / 2) * factor + (side - 1) / 2 + shift
        for side in (height, width)
    )
    bands = separable.interpolated(rows, height), separable.interpolated(columns, width)
    right, down = ((places * 2 + 1) / side - 1 for places, side in ((columns, width), (rows, height)))
    grid = torch.stack([right.expand(height, width), down[:, None].expand(height, width)], 2)[None].float()
    expected = F.grid_sample(frame, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
    assert torch.allclose(separable.resample(frame, *bands), expected, atol=2e-4)


def test_frames_that_need_torch_are_left_to_it() -> None:
    batch = picture((20, 30)).expand(2, -1, -1, -1)
    leaf = picture((20, 30)).requires_grad_()
    assert resize(batch, (10, 15)).shape == (2, 3, 10, 15)
    resize(leaf, (10, 15)).sum().backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None and bool(leaf.grad.any())
    assert resize(picture((20, 30)).double(), (10, 15)).dtype == torch.float64
