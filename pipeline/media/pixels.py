"""Frames as bytes: the only way out of floating point."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def to_bytes(frame: Tensor) -> NDArray[np.uint8]:
    """Frame ``(1, 3, H, W)`` in [0, 1], any float type, any device → ``(H, W, 3)`` uint8, contiguous.

    Values are clamped and rounded to the nearest step; the work is done on the frame's device.
    """
    steps = frame.detach()[0].float().clamp(0, 1).mul(255).round()
    return steps.to(torch.uint8).permute(1, 2, 0).contiguous().cpu().numpy()


def from_array(picture: NDArray[Any]) -> Tensor:
    """Float picture ``(H, W, 3)`` in [0, 1] → frame ``(1, 3, H, W)`` float32 on the CPU."""
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1), dtype=np.float32)
    return torch.from_numpy(planes)[None]
