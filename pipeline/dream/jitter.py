"""Jitter: moves the picture before a step, so that the network's grid falls on other pixels every time.

Pixels that move out on one side are left out of the step; mirrored ones come in on the other. Wrapping around
(Mordvintsev, Olah and Tyka 2015) would join the right border to the left: motifs grow across, half on either side.
"""

import torch
from torch import Tensor

Shift = tuple[int, int]
"""(down, right) in pixels, less than the picture's sides."""


def moved(picture: Tensor, shift: Shift) -> Tensor:
    """``(N, C, h, w)`` moved by ``shift``, with mirrored borders: ``(N, C, h, w)``."""
    for dim, by in zip((2, 3), shift, strict=True):
        length = picture.shape[dim]
        if by > 0:
            edge = picture.narrow(dim, 1, by).flip(dim)
            picture = torch.cat([edge, picture.narrow(dim, 0, length - by)], dim)
        elif by < 0:
            edge = picture.narrow(dim, length - 1 + by, -by).flip(dim)
            picture = torch.cat([picture.narrow(dim, -by, length + by), edge], dim)
    return picture


def moved_back(gradient: Tensor, shift: Shift) -> Tensor:
    """The gradient in the moved picture → in the original one, both ``(N, C, h, w)``: the adjoint of ``moved``."""
    for dim, by in zip((2, 3), shift, strict=True):
        length = gradient.shape[dim]
        result = torch.empty_like(gradient) if by else gradient
        if by > 0:
            result.narrow(dim, length - by, by).zero_()
            result.narrow(dim, 0, length - by).copy_(gradient.narrow(dim, by, length - by))
            result.narrow(dim, 1, by).add_(gradient.narrow(dim, 0, by).flip(dim))
        elif by < 0:
            result.narrow(dim, 0, -by).zero_()
            result.narrow(dim, -by, length + by).copy_(gradient.narrow(dim, 0, length + by))
            result.narrow(dim, length - 1 + by, -by).add_(gradient.narrow(dim, length + by, -by).flip(dim))
        gradient = result
    return gradient
