"""Random square crops of a frame, for networks that look at pictures of one size only."""

import torch
from torch import Tensor


def random_crops(frame: Tensor, count: int, side: int, seed: int, smallest: float = 0.4) -> Tensor:
    """Frame ``(1, 3, h, w)`` → ``(count, 3, side, side)``: squares from ``smallest`` of the short side up to all of it.

    Each has a size from a range of its own, so that large and small ones are always among them. They are resampled by
    matrices, whose gradient is the same in every run on every device.
    """
    height, width = frame.shape[2:]
    draws = torch.rand(3, count, generator=torch.Generator().manual_seed(seed))
    fractions = smallest + (1 - smallest) * (torch.arange(count) + draws[0]) / count
    sizes = fractions * min(height, width)
    rows, columns = (
        _resampling((length - sizes) * draw, sizes, length, side).to(frame)
        for length, draw in zip((height, width), draws[1:], strict=True)
    )
    return rows[:, None] @ frame @ columns[:, None].mT


def _resampling(starts: Tensor, sizes: Tensor, length: int, side: int) -> Tensor:
    """Matrices ``(N, side, length)`` that resample the pixels from ``starts`` on, ``sizes`` of them ``(N,)``.

    Linear, with antialiasing where the crop becomes smaller.
    """
    step = (sizes / side)[:, None, None]
    middle = starts[:, None, None] + (torch.arange(side)[None, :, None] + 0.5) * step - 0.5
    middle = middle.clamp(0, length - 1)
    weights = (1 - (torch.arange(length) - middle).abs() / step.clamp(min=1)).clamp(min=0)
    return weights / weights.sum(dim=2, keepdim=True)
