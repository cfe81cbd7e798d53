"""Sampling grids for ``grid_sample``: the edges of the frame are at -1 and 1.

Built on the device, element by element: nothing is copied to a GPU, nothing waits for it, and no matrix product rounds
positions to the ten bits that fast GPU arithmetic keeps.
"""

import torch
from torch import Tensor


def middles(frame: Tensor) -> tuple[Tensor, Tensor]:
    """Middles of the columns ``(W,)`` and rows ``(H, 1)`` of ``(1, C, H, W)`` in [-1, 1]."""
    height, width = frame.shape[2:]
    return _middles(width, frame), _middles(height, frame)[:, None]


def displaced(frame: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """Grid ``(1, H, W, 2)`` of pixels sampled from so far to the right and below, in halves of the frame.

    Both broadcast to ``(1, H, W)``. A pixel's own position is added last, so that small moves keep their digits.
    """
    columns, rows = middles(frame)
    size = (1, *frame.shape[2:])
    return torch.stack([(columns + right).expand(size), (rows + down).expand(size)], dim=3)


def _middles(count: int, frame: Tensor) -> Tensor:
    # Odd integers on both sides of 0 are exact: only the quotient is rounded.
    return (torch.arange(count, device=frame.device, dtype=frame.dtype) * 2 + (1 - count)) / count
