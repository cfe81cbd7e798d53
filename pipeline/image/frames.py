"""Operations on frames ``(1, 3, H, W)`` in [0, 1] that several rooms share."""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pipeline.config import REFERENCE_PIXELS, StartConfig
from pipeline.image import separable

REC709 = (0.2126, 0.7152, 0.0722)  # weights of red, green and blue in brightness
MAX_CONTRAST_GAIN = 1.5  # a mixture of two unrelated frames needs √2
GROWTH_FRACTION = 0.95  # of the steps, from noise to the full size; the others are at full size
SMALL_FRACTION = 0.9  # of the growing steps: the noise is smaller than SMALL_PIXELS; forms arise, alike in all sizes
SMALL_PIXELS = REFERENCE_PIXELS // 2  # of the short side
FAST_STEPS = 3  # from SMALL_PIXELS on, at least, unless these are more than half of the growing steps

Resize = Callable[[Tensor, tuple[int, int]], Tensor]
"""A canvas and a size (H, W) → the canvas at this size."""


def fit(size: tuple[int, int], short_side: float) -> tuple[int, int]:
    """The size (h, w) of the same shape with this short side, at least one pixel each."""
    factor = short_side / min(size)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def resize(frame: Tensor, size: tuple[int, int]) -> Tensor:
    """``(1, 3, h, w)`` → ``(1, 3, *size)``, bicubic, with antialiasing."""
    if (frame.shape[2], frame.shape[3]) == size:
        return frame
    if separable.is_possible(frame):
        rows, columns = (separable.antialiased(*sides) for sides in zip(frame.shape[2:], size, strict=True))
        return separable.resample(frame, rows, columns)
    return F.interpolate(frame, size=size, mode="bicubic", antialias=True, align_corners=False)


def crossfade(before: Tensor, after: Tensor, fraction: float) -> Tensor:
    """``fraction`` of ``after``, with the contrast of both: a plain mean of two different frames is grey."""
    if fraction >= 1:
        return after
    mixture = before + (after - before) * fraction
    mean = _float64(mixture).mean(dim=(2, 3), keepdim=True)
    contrast = (1 - fraction) * _contrast(before) + fraction * _contrast(after)
    gain = min(MAX_CONTRAST_GAIN, max(1.0, contrast / max(_contrast(mixture), 1e-6)))
    return (mean + (mixture - mean) * gain).clamp(0, 1).to(mixture.dtype)


def _contrast(frame: Tensor) -> float:
    """Deviation of the pixels from the mean colour."""
    precise = _float64(frame)
    return float((precise - precise.mean(dim=(2, 3), keepdim=True)).square().mean().sqrt())


def _float64(frame: Tensor) -> Tensor:
    """In float64 where the device has it: the same bits with any number of threads."""
    return frame if frame.device.type == "mps" else frame.double()


def luma(frame: Tensor) -> Tensor:
    """Brightness ``(1, 1, H, W)`` of a frame."""
    weights = torch.tensor(REC709, device=frame.device).view(1, 3, 1, 1)
    return (frame * weights).sum(dim=1, keepdim=True).clamp(0, 1)


def from_array(array: NDArray[Any]) -> Tensor:
    """Float array ``(H, W, 3)`` in [0, 1] → frame ``(1, 3, H, W)``, float32 on the CPU."""
    planes = np.ascontiguousarray(array.transpose(2, 0, 1), dtype=np.float32)
    return torch.from_numpy(planes)[None]


class GrowthStep(NamedTuple):
    """A hidden or opening frame: the canvas size (h, w), and the fraction of the finished frame's detail it shows.

    It is dreamed ``boost`` times as long as without ``start.boost``.
    """

    size: tuple[int, int]
    grown: float
    boost: float


def growth_steps(config: StartConfig, size: tuple[int, int], steps: int) -> Iterator[GrowthStep]:
    """Every step from the start to ``size``: slow geometric growth to half the reference size, fast growth to the
    reference size, then the full size. ``start.boost`` fades to 1 meanwhile.

    The growth is the same for all sizes, so that they have the same composition; small frames stop growing earlier.
    """
    short_side = min(size)
    smallest = min(config.size, short_side) if config.kind != "image" else max(short_side, REFERENCE_PIXELS)
    largest = max(smallest, REFERENCE_PIXELS)
    growing = max(1, round(steps * GROWTH_FRACTION))
    slow = min(SMALL_FRACTION, max(0.5, 1 - FAST_STEPS / growing))
    for step in range(steps):
        fraction = min(1.0, (step + 1) / growing)
        side = _grown_side(smallest, largest, fraction, slow) if fraction < 1 else float(largest)
        left = (largest - side) / (largest - smallest) if largest > smallest else 1 - fraction
        is_whole = fraction == 1 or side >= short_side
        yield GrowthStep(size if is_whole else fit(size, side), side / largest, 1 + (config.boost - 1) * left)


def _grown_side(smallest: int, largest: int, fraction: float, slow: float) -> float:
    """The short side in pixels after this fraction of the growth. Before the fraction ``slow`` it is small."""
    if smallest >= SMALL_PIXELS:
        return smallest * math.pow(largest / smallest, fraction)
    if fraction < slow:
        return smallest * math.pow(SMALL_PIXELS / smallest, fraction / slow)
    return SMALL_PIXELS * math.pow(largest / SMALL_PIXELS, (fraction - slow) / (1 - slow))
