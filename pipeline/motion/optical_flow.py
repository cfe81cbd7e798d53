"""Optical flow: where each pixel of a frame was one frame earlier, and how far that can be believed.

A flow ``(1, 2, h, w)`` holds (right, down) in pixels of its own size. *Backward* flow leads from the current frame to
the previous one, which is the way a warp needs: ``current(x) ≈ previous(x + flow(x))``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pipeline.config import FlowConfig
from pipeline.motion.sampling_grid import displaced

# The forward-backward test of Sundaram, Brox, Keutzer (2010): |f + b|² ≤ 0.01 (|f|² + |b|²) + 0.5.
RELATIVE, ABSOLUTE = 0.01, 0.5
EDGE = 2  # pixels over which the mask of what cannot be believed fades out
LARGER = 2.0  # times that a small frame is enlarged for DIS, whose patches are eight pixels wide
# Deviation of colour from what the flow fetches, believed up to the first and not at all from the second: everywhere,
# and where forward and backward flow disagree. To the latter comes NOISE times what is usual in the frame.
DIFFERENT = (0.04, 0.12)
DOUBTED = (0.008, 0.02)
NOISE = 1.5
NEIGHBOURS = 5  # pixels across which that is averaged
LUMA = (0.299, 0.587, 0.114)
# OpenCV's preset and the finest of its scales; the finer, the closer to the edges of things.
PRESETS = {
    "fast": (cv2.DISOPTICAL_FLOW_PRESET_FAST, 2),
    "medium": (cv2.DISOPTICAL_FLOW_PRESET_MEDIUM, 1),
    "fine": (cv2.DISOPTICAL_FLOW_PRESET_MEDIUM, 0),
}

Estimate = Callable[[Tensor, Tensor], "Motion"]


@dataclass(frozen=True)
class Motion:
    """The backward flow of a frame and the forward flow of the one before it, both ``(1, 2, h, w)``."""

    backward: Tensor
    forward: Tensor

    def to(self, device: torch.device) -> "Motion":
        """The same on ``device``."""
        return Motion(self.backward.to(device), self.forward.to(device))


def dis(config: FlowConfig) -> Estimate:
    """Dense inverse search (Kroeger et al. 2016) by OpenCV: (previous, current) ``(1, 3, H, W)`` → Motion.

    On the CPU, at ``config.side`` pixels on the short side or, for small frames, at twice their size; the same bits on
    every run.
    """
    preset, finest = PRESETS[config.preset]
    engine = cv2.DISOpticalFlow.create(preset)
    engine.setFinestScale(finest)

    def estimate(previous: Tensor, current: Tensor) -> Motion:
        before, now = (_grey(frame, config.side) for frame in (previous, current))
        start = np.zeros((*now.shape, 2), np.float32)
        backward = engine.calc(now, before, start.copy())
        return Motion(_as_tensor(backward), _as_tensor(engine.calc(before, now, start)))

    return estimate


def warp(picture: Tensor, flow: Tensor) -> Tensor:
    """Picture ``(1, C, H, W)`` fetched from where the flow ``(1, 2, h, w)`` leads; bicubic, on the picture's device."""
    size = (picture.shape[2], picture.shape[3])
    grid = _grid(fit(flow, size))
    return F.grid_sample(picture, grid, mode="bicubic", padding_mode="border", align_corners=False)


def fit(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """The flow ``(1, 2, h, w)`` in pixels of, and at, another size (H, W)."""
    height, width = flow.shape[2:]
    if (height, width) == size:
        return flow
    factors = flow.new_tensor([size[1] / width, size[0] / height]).view(1, 2, 1, 1)
    return F.interpolate(flow, size=size, mode="bilinear", align_corners=False) * factors


def trust(motion: Motion, previous: Tensor, current: Tensor) -> Tensor:
    """How far the backward flow can be believed: ``(1, 1, h, w)``, 0 where something was uncovered or came in.

    Zero where the flow leads out of the frame and where what it fetches from the ``previous`` frame ``(1, 3, H, W)`` is
    not what the ``current`` one shows, seen more strictly where forward and backward flow disagree; soft edges outside.
    """
    backward = motion.backward
    there = F.grid_sample(motion.forward, _grid(backward), mode="bilinear", padding_mode="border", align_corners=False)
    squares = backward.square().sum(1, keepdim=True) + there.square().sum(1, keepdim=True)
    astray = (backward + there).square().sum(1, keepdim=True) > RELATIVE * squares + ABSOLUTE
    far = _distance(backward, previous, current)
    # Noise in calm places leads the flow astray as well; what looks the same there may be carried on.
    doubtful = _ramp(far - NOISE * far.median(), *DOUBTED) * astray
    hidden = torch.maximum(torch.maximum(doubtful, _ramp(far, *DIFFERENT)), _outside(backward).to(far.dtype))
    window = 2 * EDGE + 1
    wide = F.max_pool2d(hidden, window, stride=1, padding=EDGE)
    soft = F.avg_pool2d(F.pad(wide, [EDGE] * 4, mode="replicate"), window, stride=1)
    return 1 - torch.maximum(soft, hidden)


def _distance(backward: Tensor, previous: Tensor, current: Tensor) -> Tensor:
    """How far colours are from what the flow fetches, averaged over neighbours: ``(1, 1, h, w)``."""
    size = (backward.shape[2], backward.shape[3])
    before, now = (F.interpolate(frame, size=size, mode="bilinear", antialias=True) for frame in (previous, current))
    squares = (now - warp(before, backward)).square().mean(1, keepdim=True)
    return F.avg_pool2d(squares, NEIGHBOURS, stride=1, padding=NEIGHBOURS // 2, count_include_pad=False).sqrt()


def _ramp(value: Tensor, low: float, high: float) -> Tensor:
    """0 up to ``low``, 1 from ``high`` on."""
    return ((value - low) / (high - low)).clamp(0, 1)


def _outside(flow: Tensor) -> Tensor:
    """Where the flow leads out of the frame, ``(1, 1, h, w)``."""
    grid = _grid(flow)
    inside = 1 - grid.new_tensor([1 / flow.shape[3], 1 / flow.shape[2]])  # the middles of the outermost pixels
    # Half a pixel of grace: estimated flow is not exact, and a border that flickers is seen.
    grace = grid.new_tensor([1 / flow.shape[3], 1 / flow.shape[2]])
    return (grid.abs() > inside + grace).any(dim=3)[:, None]


def _grid(flow: Tensor) -> Tensor:
    """Where each pixel is fetched from: ``(1, h, w, 2)`` in [-1, 1] as ``grid_sample`` counts."""
    height, width = flow.shape[2:]
    return displaced(flow, flow[:, 0] * (2 / width), flow[:, 1] * (2 / height))


def _grey(frame: Tensor, side: int) -> NDArray[np.uint8]:
    """Frame ``(1, 3, H, W)`` → grey bytes ``(h, w)`` for DIS."""
    weights = frame.new_tensor(LUMA).view(1, 3, 1, 1)
    grey = (frame * weights).sum(1, keepdim=True)
    short = min(grey.shape[2:])
    factor = min(LARGER, side / short)
    if factor != 1:
        size = (round(grey.shape[2] * factor), round(grey.shape[3] * factor))
        grey = F.interpolate(grey, size=size, mode="bicubic", antialias=True, align_corners=False)
    levels: NDArray[np.uint8] = grey[0, 0].mul(255).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    return levels


def _as_tensor(flow: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(flow.transpose(2, 0, 1)))[None]
