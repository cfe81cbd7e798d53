"""Moving a picture before a step: mirrored borders, and the way back for gradients."""

import pytest
import torch

from pipeline.dream.jitter import moved, moved_back


def noise(dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(1, 3, 9, 11, dtype=dtype, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("shift", [(0, 0), (3, -2), (-4, 5), (5, 0)])
def test_borders_are_mirrored(shift: tuple[int, int]) -> None:
    picture = noise()
    wide = torch.nn.functional.pad(picture, (5, 5, 5, 5), mode="reflect")
    down, right = shift
    assert torch.equal(moved(picture, shift), wide[..., 5 - down : 14 - down, 5 - right : 16 - right])


@pytest.mark.parametrize("shift", [(0, 0), (3, -2), (-4, 5), (0, -5)])
def test_moved_back_is_the_adjoint_of_moved(shift: tuple[int, int]) -> None:
    leaf, weights = noise(torch.float64).requires_grad_(True), noise(torch.float64).flip(2)
    (expected,) = torch.autograd.grad((moved(leaf, shift) * weights).sum(), leaf)
    assert torch.allclose(moved_back(weights, shift), expected)
