"""Sizes of the image pyramid, and the way between them."""

import torch.nn.functional as F
from torch import Tensor


def fit(size: tuple[int, int], short_side: float) -> tuple[int, int]:
    """The size (h, w) of the same shape with this short side, at least one pixel each; ``size`` itself at its own."""
    factor = short_side / min(size)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def resize(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """``(1, 3, h, w)`` → ``(1, 3, *size)``, bicubic, without aliasing when it shrinks."""
    if (picture.shape[2], picture.shape[3]) == size:
        return picture
    return F.interpolate(picture, size=size, mode="bicubic", antialias=True, align_corners=False)
