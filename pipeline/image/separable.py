"""Resampling of rows and columns on a CPU, as products with small matrices.

A row of the result is a weighted sum of a few rows that lie next to each other. So a block of rows needs a narrow band
of rows, and is the product of a small matrix with it; the same holds for columns. BLAS computes these products in
less than half of the time that torch's own resampling takes, and both agree except for rounding.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

BLOCK = 32  # rows of the result in a product: in wider bands more of a matrix is 0, and each call costs time
SHARP, SOFT = -0.75, -0.5  # the slope of a cubic at 1: of torch's bicubic sampling, and with antialiasing


class Band(NamedTuple):
    """The product of ``matrix`` ``(rows of the result, rows of the band)`` with the rows from ``start`` on."""

    start: int
    matrix: Tensor


Bands = Sequence[Band]
"""The blocks of a result, one after the other."""


def is_possible(frame: Tensor) -> bool:
    """Whether ``resample`` takes this frame."""
    return (
        frame.shape[0] == 1 and frame.device.type == "cpu" and frame.dtype == torch.float32 and not frame.requires_grad
    )


def resample(frame: Tensor, rows: Bands, columns: Bands) -> Tensor:
    """``(1, C, h, w)`` → ``(1, C, H, W)``."""
    if sum(len(band.matrix) for band in rows) < frame.shape[2]:  # first along the dimension in which it shrinks
        return _along_columns(_along_rows(frame, rows), columns)
    return _along_rows(_along_columns(frame, columns), rows)


def _along_rows(frame: Tensor, bands: Bands) -> Tensor:
    result = frame.new_empty(*frame.shape[1:2], sum(len(band.matrix) for band in bands), frame.shape[3])
    done = 0
    for start, matrix in bands:
        count, length = matrix.shape
        torch.matmul(matrix, frame[0, :, start : start + length], out=result[:, done : done + count])
        done += count
    return result[None]


def _along_columns(frame: Tensor, bands: Bands) -> Tensor:
    lines = frame.reshape(-1, frame.shape[3])
    result = frame.new_empty(len(lines), sum(len(band.matrix) for band in bands))
    done = 0
    for start, matrix in bands:
        count, length = matrix.shape
        torch.mm(lines[:, start : start + length], matrix.T, out=result[:, done : done + count])
        done += count
    return result.view(1, frame.shape[1], frame.shape[2], -1)


@lru_cache(maxsize=64)
def antialiased(length: int, result: int) -> Bands:
    """The bands that bring ``length`` rows to ``result`` rows: bicubic, wide enough where the picture shrinks."""
    scale = length / result
    wide = max(scale, 1.0)
    middles = (torch.arange(result, dtype=torch.float64) + 0.5) * scale
    first = (middles - 2 * wide + 0.5).floor()
    places = first[:, None] + torch.arange(int(4 * wide) + 2)
    is_inside = (places >= 0) & (places < length)
    weights = torch.where(is_inside, _cubic((places + 0.5 - middles[:, None]) / wide, SOFT), 0.0)
    return _bands(places.clamp(0, length - 1).long(), weights / weights.sum(1, keepdim=True))


def interpolated(places: Tensor, length: int) -> Bands:
    """The bands that sample ``length`` rows at ``places`` ``(n,)``, bicubic; outside is the mirror image.

    A place is in rows, 0 the middle of the first. The mirror is at its edge.
    """
    taps = places.floor()[:, None] + torch.arange(-1, 3)
    weights = _cubic(taps - places[:, None], SHARP)
    taps = taps.long() % (2 * length)
    return _bands(torch.minimum(taps, 2 * length - 1 - taps), weights)


def _cubic(distance: Tensor, slope: float) -> Tensor:
    """The cubic convolution kernel (Keys, 1981)."""
    x = distance.abs()
    near = ((slope + 2) * x - (slope + 3)) * x * x + 1
    far = slope * (((x - 5) * x + 8) * x - 4)
    return torch.where(x <= 1, near, torch.where(x < 2, far, 0.0))


def _bands(taps: Tensor, weights: Tensor) -> Bands:
    """The bands whose result i is the sum of the rows ``taps[i]`` times ``weights[i]``."""
    bands = []
    for rows, row_weights in zip(torch.split(taps, BLOCK), torch.split(weights, BLOCK), strict=True):
        start = int(rows.min())
        matrix = torch.zeros(len(rows), int(rows.max()) + 1 - start, dtype=weights.dtype)
        bands.append(Band(start, matrix.scatter_add_(1, rows - start, row_weights).float()))
    return bands
