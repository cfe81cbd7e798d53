"""Resampling by small matrices agrees with torch's own."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.image import resize

SIZES = [((60, 96), (40, 64)), ((60, 96), (17, 23)), ((17, 23), (60, 96)), ((7, 5), (3, 11)), ((1, 2), (6, 4))]


def picture(size: tuple[int, int]) -> Tensor:
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("before", "after"), SIZES)
def test_resize_is_bicubic_with_antialiasing(before: tuple[int, int], after: tuple[int, int]) -> None:
    frame = picture(before)
    expected = F.interpolate(frame, size=after, mode="bicubic", antialias=True)
    assert torch.allclose(resize(frame, after), expected, atol=5e-5)


def test_frames_that_need_torch_are_left_to_it() -> None:
    batch = picture((20, 30)).expand(2, -1, -1, -1)
    leaf = picture((20, 30)).requires_grad_()
    assert resize(batch, (10, 15)).shape == (2, 3, 10, 15)
    assert torch.autograd.grad(resize(leaf, (10, 15)).sum(), leaf)[0].any()
    assert resize(picture((20, 30)).double(), (10, 15)).dtype == torch.float64
