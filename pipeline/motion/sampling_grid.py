"""Sampling grids for ``grid_sample``: the edges of the frame are at -1 and 1.

Built on the device, element by element: nothing is copied to a GPU, nothing waits for it, and no matrix product rounds
positions to the ten bits that fast GPU arithmetic keeps.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

GOLDEN = (math.sqrt(5) - 1) / 2
MIRROR_DEPTH = 0.7  # of half the frame: how much is uncovered, at most, before the axis starts at the border again
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


def mirror_onward(grid: Tensor, number: int) -> Tensor:
    """The grid ``(1, H, W, 2)`` of move ``number``, from 0 on, where a little is uncovered at a border in each frame.

    Mirrored at the border, each frame would repeat the pixel that the frame before mirrored: stretched lines. So the
    axis moves along with the picture for some frames, while what is uncovered comes from deeper and deeper inside, and
    from further to one side, so that mirror images of mirror images do not line up. Writes into ``grid``.
    """
    changes: list[tuple[Tensor, Tensor]] = []  # all computed before the first is applied: corners lie in two strips
    for axis, dim in ((0, 2), (1, 1)):
        count = grid.shape[dim]
        for side, sign in enumerate((-1, 1)):
            band = count if grid.device.type != "cpu" else _uncovered(grid, axis, dim, sign)
            if not band:
                continue
            strip = grid.narrow(dim, 0 if sign < 0 else count - band, band)
            beyond = strip[..., axis] * sign - (1 - 1 / count)
            step = beyond.amax(dim, keepdim=True).clamp(min=0)  # of a frame, on each line
            # A power of two, so that it stays the same while the camera gathers or loses speed.
            period = (MIRROR_DEPTH / step.amax().clamp(min=1e-9)).log2().floor().clamp(min=0).exp2()
            frames = torch.remainder(number, period)  # since the axis was at the border
            slant = torch.frac(((number / period).floor() + axis + side / 2) * GOLDEN) * 2 - 1
            goes_on, depth = (beyond > 0) & (frames > 0), 2 * frames * step
            inward = torch.where(goes_on, depth + 2 * beyond - 2 / count, 0.0) * -sign
            changes += [(strip[..., axis], inward), (strip[..., 1 - axis], torch.where(goes_on, slant * depth, 0.0))]
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
