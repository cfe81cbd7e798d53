"""Jitter: the picture is moved before a step, so that no place of the network's grid is always the same place of it.

What is moved out on one side is left out of this step; what comes in on the other is the picture mirrored. To roll it
round (Mordvintsev, Olah and Tyka 2015) would join the right border to the left one: motifs grow across, half of each on
either side.
"""

import torch
from torch import Tensor

Shift = tuple[int, int]
"""(down, right) in pixels, less than the picture's sides."""


def moved(picture: Tensor, shift: Shift) -> Tensor:
    """``(N, C, h, w)`` moved by ``shift``, mirrored about the borders: ``(N, C, h, w)``."""
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
    """The gradient in the moved picture → that in the picture as it was, both ``(N, C, h, w)``; mirrored pixels have
    the sum of what both of their places have.
    """
    for dim, by in zip((2, 3), shift, strict=True):
        length = gradient.shape[dim]
        found = torch.zeros_like(gradient) if by else gradient
        if by > 0:
            found.narrow(dim, 0, length - by).copy_(gradient.narrow(dim, by, length - by))
            found.narrow(dim, 1, by).add_(gradient.narrow(dim, 0, by).flip(dim))
        elif by < 0:
            found.narrow(dim, -by, length + by).copy_(gradient.narrow(dim, 0, length + by))
            found.narrow(dim, length - 1 + by, -by).add_(gradient.narrow(dim, length + by, -by).flip(dim))
        gradient = found
    return gradient
