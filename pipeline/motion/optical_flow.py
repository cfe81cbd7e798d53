"""Optical flow: where each pixel of a frame was one frame earlier, and how reliable that is.

A flow ``(1, 2, h, w)`` holds (right, down) in pixels of its own size. *Backward* flow leads from the current frame to
the previous one, as a warp needs: ``current(x) ≈ previous(x + flow(x))``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pipeline.config import FlowConfig
from pipeline.motion.sampling_grid import displaced
from pipeline.runtime.opencv import opencv

# The forward-backward test of Sundaram, Brox, Keutzer (2010): |f + b|² ≤ 0.01 (|f|² + |b|²) + 0.5.
RELATIVE, ABSOLUTE = 0.01, 0.5
EDGE_PIXELS = 2  # over which the mask fades out
MAX_ENLARGEMENT = 2.0  # of small frames for DIS, whose patches are eight pixels wide
# Colour difference along the flow: trusted up to the first, not at all from the second. The stricter pair is for places
# where forward and backward flow disagree, after NOISE_FACTOR times the median of the frame is subtracted.
COLOUR_DIFFERENCE = (0.04, 0.12)
STRICT_COLOUR_DIFFERENCE = (0.008, 0.02)
NOISE_FACTOR = 1.5
AVERAGE_PIXELS = 5  # across which differences are averaged
LUMA_601 = (0.299, 0.587, 0.114)
# OpenCV's preset and its finest scale; finer scales follow the edges of things more closely.
PRESETS = {"fast": ("FAST", 2), "medium": ("MEDIUM", 1), "fine": ("MEDIUM", 0)}

Estimate = Callable[[Tensor, Tensor], "Motion"]
"""(previous, current) frames ``(1, 3, H, W)`` → their motion."""


@dataclass(frozen=True)
class Motion:
    """The backward flow of a frame and the forward flow of the one before it, both ``(1, 2, h, w)``."""

    backward: Tensor
    forward: Tensor

    def to(self, device: torch.device) -> "Motion":
        """The same on ``device``."""
        return Motion(self.backward.to(device), self.forward.to(device))


def flow_estimator(config: FlowConfig, device: torch.device) -> Estimate | None:
    """The optical flow of ``flow.kind``; None for none."""
    if config.kind == "raft":
        from pipeline.motion.raft import raft  # torchvision is slow to load

        return raft(config, device)
    return dis(config) if config.kind == "dis" else None


def dis(config: FlowConfig) -> Estimate:
    """Dense inverse search (Kroeger et al. 2016) by OpenCV, on the CPU.

    At ``config.side`` pixels on the short side, or for small frames at twice their size; the same bits on every run.
    """
    cv2 = opencv()
    preset, finest_scale = PRESETS[config.preset]
    engine = cv2.DISOpticalFlow.create(getattr(cv2, f"DISOPTICAL_FLOW_PRESET_{preset}"))
    engine.setFinestScale(finest_scale)

    def estimate(previous: Tensor, current: Tensor) -> Motion:
        before, now = (_grey(frame, config.side) for frame in (previous, current))
        start = np.zeros((*now.shape, 2), np.float32)
        backward = engine.calc(now, before, start.copy())
        return Motion(_as_tensor(backward), _as_tensor(engine.calc(before, now, start)))

    return estimate


def warp(frame: Tensor, flow: Tensor) -> Tensor:
    """Frame ``(1, C, H, W)`` sampled where the flow ``(1, 2, h, w)`` leads; bicubic, on the frame's device."""
    size = (frame.shape[2], frame.shape[3])
    grid = _grid(fit(flow, size))
    return F.grid_sample(frame, grid, mode="bicubic", padding_mode="border", align_corners=False)


def fit(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """The flow ``(1, 2, h, w)`` resized to another size (H, W), in pixels of that size."""
    height, width = flow.shape[2:]
    if (height, width) == size:
        return flow
    factors = flow.new_tensor([size[1] / width, size[0] / height]).view(1, 2, 1, 1)
    return F.interpolate(flow, size=size, mode="bilinear", align_corners=False) * factors


def trust(motion: Motion, previous: Tensor, current: Tensor) -> Tensor:
    """How reliable the backward flow is: ``(1, 1, h, w)`` in [0, 1], 0 where something was uncovered or came in.

    That is where the flow leads out of the frame, and where the colour that it fetches from the ``previous`` frame
    ``(1, 3, H, W)`` differs from the ``current`` one; more strictly where forward and backward flow disagree. Edges
    are soft on the outside.
    """
    backward = motion.backward
    there = F.grid_sample(motion.forward, _grid(backward), mode="bilinear", padding_mode="border", align_corners=False)
    squares = backward.square().sum(1, keepdim=True) + there.square().sum(1, keepdim=True)
    disagree = (backward + there).square().sum(1, keepdim=True) > RELATIVE * squares + ABSOLUTE
    difference = _colour_difference(backward, previous, current)
    # Noise in calm places misleads the flow as well; if the colour is the same there, the residual may be kept.
    doubtful = _ramp(difference - NOISE_FACTOR * difference.median(), *STRICT_COLOUR_DIFFERENCE) * disagree
    wrong = torch.maximum(doubtful, _ramp(difference, *COLOUR_DIFFERENCE))
    hidden = torch.maximum(wrong, _outside(backward).to(difference.dtype))
    window = 2 * EDGE_PIXELS + 1
    wide = F.max_pool2d(hidden, window, stride=1, padding=EDGE_PIXELS)
    soft = F.avg_pool2d(F.pad(wide, [EDGE_PIXELS] * 4, mode="replicate"), window, stride=1)
    return 1 - torch.maximum(soft, hidden)


def _colour_difference(backward: Tensor, previous: Tensor, current: Tensor) -> Tensor:
    """Difference of colour along the flow, averaged over nearby pixels: ``(1, 1, h, w)``."""
    size = (backward.shape[2], backward.shape[3])
    before, now = (F.interpolate(frame, size=size, mode="bilinear", antialias=True) for frame in (previous, current))
    squares = (now - warp(before, backward)).square().mean(1, keepdim=True)
    return F.avg_pool2d(squares, AVERAGE_PIXELS, stride=1, padding=AVERAGE_PIXELS // 2, count_include_pad=False).sqrt()


def _ramp(value: Tensor, low: float, high: float) -> Tensor:
    """0 up to ``low``, 1 from ``high`` on."""
    return ((value - low) / (high - low)).clamp(0, 1)


def _outside(flow: Tensor) -> Tensor:
    """Where the flow leads out of the frame, ``(1, 1, h, w)``."""
    grid = _grid(flow)
    inside = 1 - grid.new_tensor([1 / flow.shape[3], 1 / flow.shape[2]])  # the middles of the outermost pixels
    # Half a pixel of tolerance: estimated flow is not exact, and a flickering border would be visible.
    tolerance = grid.new_tensor([1 / flow.shape[3], 1 / flow.shape[2]])
    return (grid.abs() > inside + tolerance).any(dim=3)[:, None]


def _grid(flow: Tensor) -> Tensor:
    """Where each pixel is sampled from: ``(1, h, w, 2)`` in [-1, 1] as in ``grid_sample``."""
    height, width = flow.shape[2:]
    return displaced(flow, flow[:, 0] * (2 / width), flow[:, 1] * (2 / height))


def _grey(frame: Tensor, side: int) -> NDArray[np.uint8]:
    """Frame ``(1, 3, H, W)`` → grey bytes ``(h, w)`` for DIS."""
    weights = frame.new_tensor(LUMA_601).view(1, 3, 1, 1)
    grey = (frame * weights).sum(1, keepdim=True)
    short = min(grey.shape[2:])
    factor = min(MAX_ENLARGEMENT, side / short)
    if factor != 1:
        size = (round(grey.shape[2] * factor), round(grey.shape[3] * factor))
        grey = F.interpolate(grey, size=size, mode="bicubic", antialias=True, align_corners=False)
    levels: NDArray[np.uint8] = grey[0, 0].mul(255).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    return levels


def _as_tensor(flow: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(flow.transpose(2, 0, 1)))[None]
