"""Masks that the footage draws: dream where it moves. ``(1, 1, H, W)`` in [0, 1], with soft edges."""

import torch
import torch.nn.functional as F
from torch import Tensor

FULL_SPEED = 0.004  # of the short side per 1/24 s; at this speed the mask is at 63 per cent
MASK_CELLS = 12  # on the short side


def movement(flow: Tensor | None, size: tuple[int, int], fps: float, device: torch.device) -> Tensor:
    """How much each place moves, from the flow ``(1, 2, h, w)`` in its own pixels; zero without flow."""
    if flow is None:
        return torch.zeros(1, 1, *size, device=device)
    speed = flow.to(device).norm(dim=1, keepdim=True) / min(flow.shape[2:]) * fps / 24
    cells = [max(2, round(MASK_CELLS * side / min(size))) for side in size]
    # The maximum of a cell, so that a thin moving thing is not averaged away.
    coarse = F.adaptive_max_pool2d(1 - torch.exp(-speed / FULL_SPEED), cells)
    return F.interpolate(coarse, size=size, mode="bilinear", align_corners=False)
