"""Masks that the footage draws: dream where it moves. ``(1, 1, H, W)`` in [0, 1], with soft edges."""

import torch
import torch.nn.functional as F
from torch import Tensor

FULL_SPEED = 0.004  # of the short side per 1/24 s; at this speed the mask is at 63 per cent
MASK_CELLS = 12  # on the short side
RESTING, MOVING = 0.25, 0.7  # up to this movement, which may be noise, a place rests; from the second on it moves


def movement(flow: Tensor | None, size: tuple[int, int], fps: float, device: torch.device) -> Tensor:
    """How much each place moves, from the flow ``(1, 2, h, w)`` in its own pixels; zero without flow."""
    return F.interpolate(_coarse_movement(flow, size, fps, device), size=size, mode="bilinear", align_corners=False)


class Stillness:
    """How long each place has not moved: 0 while it moves, 1 after so many ``frames`` of rest.

    It depends on the last ``frames`` alone, so that it is the same whichever frame came first.
    """

    def __init__(self, frames: float) -> None:
        self._step = 1 / max(frames, 1.0)
        self._motion: Tensor | None = None

    def update(self, flow: Tensor | None, size: tuple[int, int], fps: float, frames: float = 1.0) -> Tensor:
        """The map ``(1, 1, h, w)``, small, after a frame with this flow, which stands for so many ``frames``."""
        coarse = _coarse_movement(flow, size, fps, torch.device("cpu"))
        motion = ((coarse - RESTING) / (MOVING - RESTING)).clamp(0, 1)
        if self._motion is not None:
            motion = torch.maximum(motion, self._motion - frames * self._step)
        self._motion = motion
        return 1 - motion


def _coarse_movement(flow: Tensor | None, size: tuple[int, int], fps: float, device: torch.device) -> Tensor:
    """As ``movement``, one value for each cell."""
    cells = [max(2, round(MASK_CELLS * side / min(size))) for side in size]
    if flow is None:
        return torch.zeros(1, 1, *cells, device=device)
    speed = flow.to(device).norm(dim=1, keepdim=True) / min(flow.shape[2:]) * fps / 24
    # The maximum of a cell, so that a thin moving thing is not averaged away.
    return F.adaptive_max_pool2d(1 - torch.exp(-speed / FULL_SPEED), cells)
