"""Strength by content: masks that the picture itself draws, ``(1, 1, H, W)`` in [0, 1], soft."""

import torch
import torch.nn.functional as F
from torch import Tensor

SWIFT = 0.004  # of the short side per frame of a 24th of a second: what moves so fast counts for two thirds
SOFT = 12  # cells on the short side, over which the mask is softened


def movement(flow: Tensor | None, size: tuple[int, int], fps: float, device: torch.device) -> Tensor:
    """How much of each place moves, from the flow ``(1, 2, h, w)`` in its own pixels; none where there is no flow."""
    if flow is None:
        return torch.zeros(1, 1, *size, device=device)
    speed = flow.to(device).norm(dim=1, keepdim=True) / min(flow.shape[2:]) * fps / 24
    cells = [max(2, round(SOFT * side / min(size))) for side in size]
    # The largest in a cell, so that a thin thing in motion is not averaged away.
    coarse = F.adaptive_max_pool2d(1 - torch.exp(-speed / SWIFT), cells)
    return F.interpolate(coarse, size=size, mode="bilinear", align_corners=False)
