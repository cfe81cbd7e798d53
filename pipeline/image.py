"""Operations on whole pictures, ``(1, 3, H, W)`` in [0, 1], that several rooms share."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pipeline.config import StartConfig


def fit(size: tuple[int, int], short_side: float) -> tuple[int, int]:
    """The size (h, w) of the same shape with this short side, at least one pixel each; ``size`` itself at its own."""
    factor = short_side / min(size)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def resize(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """``(1, 3, h, w)`` → ``(1, 3, *size)``, bicubic, without aliasing when it shrinks."""
    if (picture.shape[2], picture.shape[3]) == size:
        return picture
    return F.interpolate(picture, size=size, mode="bicubic", antialias=True, align_corners=False)


MOST_GAIN = 1.5  # two pictures that have nothing in common need the root of two


def crossfade(before: Tensor, after: Tensor, share: float) -> Tensor:
    """``share`` of the one after, both ``(1, 3, H, W)`` in [0, 1], with the contrast of both: a bare sum of two
    pictures that differ is grey.
    """
    if share >= 1:
        return after
    both = before + (after - before) * share
    middle = _precise(both).mean(dim=(2, 3), keepdim=True)
    wanted = (1 - share) * _contrast(before) + share * _contrast(after)
    gain = min(MOST_GAIN, max(1.0, wanted / max(_contrast(both), 1e-6)))
    return (middle + (both - middle) * gain).clamp(0, 1).to(both.dtype)


def _contrast(frame: Tensor) -> float:
    """How far pixels are from the frame's mean colour."""
    precise = _precise(frame)
    return float((precise - precise.mean(dim=(2, 3), keepdim=True)).square().mean().sqrt())


def _precise(frame: Tensor) -> Tensor:
    """In float64 where the device has it: whatever the number of threads, the same bits."""
    return frame if frame.device.type == "mps" else frame.double()


REC709 = (0.2126, 0.7152, 0.0722)  # share of red, green and blue in brightness


def luma(frame: Tensor) -> Tensor:
    """Brightness of ``(1, 3, H, W)``: the lights dream, the shadows rest."""
    weights = torch.tensor(REC709, device=frame.device).view(1, 3, 1, 1)
    return (frame * weights).sum(dim=1, keepdim=True).clamp(0, 1)


def from_array(picture: NDArray[Any]) -> Tensor:
    """Float picture ``(H, W, 3)`` in [0, 1] → frame ``(1, 3, H, W)`` float32 on the CPU."""
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1), dtype=np.float32)
    return torch.from_numpy(planes)[None]


GROWING = 0.75  # share of the steps in which noise still grows; the rest ripens at full size


def growth_sizes(config: StartConfig, size: tuple[int, int], steps: int) -> Iterator[tuple[int, int]]:
    """The canvas size (h, w) of every step of the unfolding: geometric growth, then the full size."""
    smallest = min(config.size, min(size)) if config.kind == "noise" else min(size)
    growing = max(1, round(steps * GROWING))
    for step in range(steps):
        share = min(1.0, (step + 1) / growing)
        yield fit(size, smallest * (min(size) / smallest) ** share)
