"""Mirrors in the frame: half, quarter, circle, kaleidoscope. What they show is a copy of what lies before them.

The part before the mirrors stays as it is, bit by bit; nothing that is fed back is resampled twice.
"""

import math

import torch
from torch import Tensor

from pipeline.motion.sampling_grid import displaced, middles, sample_mirrored

FLIPS = {"half": (3,), "x": (3,), "y": (2,), "quarter": (3, 2)}
"""Mirror → the dimensions of a frame whose first half is copied to the second."""
CIRCLE = 0.4  # radius of the mirror ``radial``, in short sides of the frame


def fold(canvas: Tensor, mirror: str, symmetry: float) -> Tensor:
    """The canvas ``(1, 3, H, W)`` with a ``mirror`` and a kaleidoscope of ``symmetry`` mirrors (below 1: none)."""
    count = round(symmetry)
    if count:
        canvas = _sample(canvas, *kaleidoscope(canvas, count))
    if mirror == "radial":
        return _sample(canvas, *inversion(canvas))
    for dim in FLIPS.get(mirror, ()):
        half = canvas.narrow(dim, 0, (canvas.shape[dim] + 1) // 2)
        canvas = torch.cat([half, half.narrow(dim, 0, canvas.shape[dim] // 2).flip(dim)], dim)
    return canvas


def kaleidoscope(canvas: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """(right, down) in pixels from where each pixel is sampled: ``count`` mirrors through the middle, one upright.

    They show the wedge that reaches furthest, towards the lower right corner.
    """
    x, y = pixels(canvas)
    wedge = math.pi / count
    corner = math.atan2(canvas.shape[2], canvas.shape[3])
    start = math.pi / 2 + wedge * round((corner - math.pi / 2) / wedge - 0.5)
    turned = torch.remainder(torch.atan2(y, x) - start, 2 * math.pi)
    is_copy, angle = turned > wedge, torch.remainder(turned, 2 * wedge)
    folded, radius = start + torch.minimum(angle, 2 * wedge - angle), torch.hypot(x, y)
    zero = torch.zeros((), device=canvas.device, dtype=canvas.dtype)
    right = torch.where(is_copy, radius * torch.cos(folded) - x, zero)
    return right, torch.where(is_copy, radius * torch.sin(folded) - y, zero)


def inversion(canvas: Tensor) -> tuple[Tensor, Tensor]:
    """(right, down) in pixels from where each pixel is sampled: outside of a circle its inside is mirrored in it."""
    x, y = pixels(canvas)
    radius = CIRCLE * min(canvas.shape[2:])
    factor = (radius**2 / (x * x + y * y)).clamp(max=1) - 1
    return x * factor, y * factor


def pixels(canvas: Tensor) -> tuple[Tensor, Tensor]:
    """Places of the columns ``(W,)`` and rows ``(H, 1)`` in pixels from the middle of the frame."""
    columns, rows = middles(canvas)
    return columns * (canvas.shape[3] / 2), rows * (canvas.shape[2] / 2)


def _sample(canvas: Tensor, right: Tensor, down: Tensor) -> Tensor:
    grid = displaced(canvas, right * (2 / canvas.shape[3]), down * (2 / canvas.shape[2]))
    copy = sample_mirrored(canvas, grid)
    return torch.where((right == 0) & (down == 0), canvas, copy)
