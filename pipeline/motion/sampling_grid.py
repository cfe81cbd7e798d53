"""Sampling grids for ``grid_sample``: the edges of the frame are at -1 and 1.

Built on the device, element by element: nothing is copied to a GPU, nothing waits for it, and no matrix product rounds
positions to the ten bits that fast GPU arithmetic keeps.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.motion.mirror_axes import MirrorAxes

BORDER = 8  # pixels that may lie outside after a usual move


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


def sample_mirrored(frame: Tensor, grid: Tensor) -> Tensor:
    """Frame ``(1, C, h, w)`` at the places of a grid ``(1, H, W, 2)``, bicubic; outside is its mirror image.

    On a CPU, torch spends up to half of this on reflections, also where nothing is outside, and samples with one
    thread. So a middle that needs none is sampled without, by all threads, with the same bits.
    """
    height, width = grid.shape[1:3]
    if frame.device.type != "cpu" or min(height, width) < 4 * BORDER:
        return _sample(frame, grid, "reflection")
    threads = min(torch.get_num_threads(), height - 2 * BORDER)  # a line each at least
    bottom, right = height - BORDER - (height - 2 * BORDER) % threads, width - BORDER
    middle = grid[:, BORDER:bottom, BORDER:right]
    # A cubic reads from one pixel before to two pixels after a place.
    limits = [1 - 4 / side for side in (frame.shape[3], frame.shape[2])]
    if any(float(middle[..., axis].abs().amax()) > limit for axis, limit in enumerate(limits)):
        return _sample(frame, grid, "reflection")
    channels, lines = frame.shape[1], (bottom - BORDER) // threads
    result = frame.new_empty(1, channels, height, width)
    parts = _sample(frame.expand(threads, -1, -1, -1), middle.reshape(threads, lines, -1, 2), "zeros")
    whole = parts.movedim(0, 1).reshape(channels, threads * lines, -1)
    result[0, :, BORDER:bottom, BORDER:right] = whole
    rows, edges = slice(BORDER, bottom), (slice(None, BORDER), slice(right, None))
    for place in (
        (slice(None, BORDER), slice(None)),
        (slice(bottom, None), slice(None)),
        *((rows, edge) for edge in edges),
    ):
        result[(..., *place)] = _sample(frame, grid[(slice(None), *place)], "reflection")
    return result


def mirror_onward(grid: Tensor, axes: MirrorAxes) -> Tensor:
    """The grid ``(1, H, W, 2)`` of a move whose frame before is mirrored in these axes. Writes into ``grid``.

    What comes from outside comes from its mirror image instead, across the axis and slanted a little. An axis at the
    border is left to ``sample_mirrored``.
    """
    changes: list[tuple[Tensor, Tensor]] = []  # all computed before the first is applied: corners lie in two strips
    for side, (first, middle, last) in enumerate(axes.depths.tolist()):
        axis, dim, sign = side // 2, 2 - side // 2, side % 2 * 2 - 1
        count, lines = grid.shape[dim], grid.shape[3 - dim]
        if not (first or middle or last):
            continue
        band = count if grid.device.type != "cpu" else _uncovered(grid, axis, dim, sign)
        strip = grid.narrow(dim, 0 if sign < 0 else count - band, band)
        beyond = strip[..., axis] * sign - (1 - 1 / count)
        along = _middles(lines, grid).unsqueeze(dim - 1)
        incline = middle - first + (along > 0) * (first + last - 2 * middle)
        distance = middle + along * incline + beyond - 1 / count
        incline, slant = incline * (count / lines), axes.slant(side)  # in pixels
        way = torch.where(beyond > 0, 2 * distance / (1 + incline.square()), 0.0)
        changes.append((strip[..., axis], way * (1 + slant * incline) * -sign))
        changes.append((strip[..., 1 - axis], way * (slant - incline) * (count / lines)))
    for places, change in changes:
        places.add_(change)
    return grid


def _uncovered(grid: Tensor, axis: int, dim: int, sign: int) -> int:
    """How many pixels along ``dim`` come from beyond the middles of the outermost ones, at most; from one edge."""
    count = grid.shape[dim]
    edge = grid.select(dim, 0 if sign < 0 else count - 1)[..., axis] * sign
    step = (float(edge.amax()) - (1 - 1 / count)) * count / 2
    return min(count, math.ceil(step) + 1) if step > 0 else 0


def _sample(frame: Tensor, grid: Tensor, outside: str) -> Tensor:
    # Of a grid that is not contiguous, torch rounds otherwise.
    return F.grid_sample(frame, grid.contiguous(), mode="bicubic", padding_mode=outside, align_corners=False)
