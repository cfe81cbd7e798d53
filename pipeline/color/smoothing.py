"""Calm colours within forms, and brightness without grain: guided filters, which keep edges."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.image import luma, resize

LINES = 180  # on the short side of the copy that is measured: colours need no finer one
REACH = 1 / 45  # of the short side: how far around a pixel its colours are taken
EDGE = 0.045  # deviation of the luma from which an edge counts as one
GRAIN = 2  # pixels around each one in which grain is told from edges


def smooth_chroma(frame: Tensor, amount: float, *, is_sphere: bool = False) -> Tensor:
    """``(1, 3, H, W)`` whose colours are, within windows, linear in the luma, which stays as it is.

    That takes mottled colours away and leaves those of forms that differ in brightness: the fast guided filter
    (He and Sun 2015) of the chroma, guided by the luma. ``amount`` is the share of it, 0 to 1.
    """
    height, width = frame.shape[2:]
    factor = max(1, round(min(height, width) / LINES))
    radius = max(1, round(REACH * min(height, width) / factor))
    margin = min(factor * 2 * radius, width) if is_sphere else 0
    wide = F.pad(frame, (margin, margin, 0, 0), "circular") if margin else frame
    small = resize(wide, (max(1, height // factor), max(1, wide.shape[3] // factor)))
    light = luma(small)
    chroma = small - light
    means = _window_means(torch.cat([light, light * light, chroma, light * chroma], dim=1), radius)
    mean, square, mean_chroma, product = torch.split(means, [1, 1, 3, 3], dim=1)
    slope = (product - mean * mean_chroma) / (square - mean * mean + EDGE**2)
    line = _window_means(torch.cat([slope, mean_chroma - slope * mean], dim=1), radius)
    line = resize(line, (height, wide.shape[3]))[..., margin : margin + width]
    light = luma(frame)
    return torch.lerp(frame, light + line[:, :3] * light + line[:, 3:], amount).clamp_(0, 1)


def denoise(frame: Tensor, amount: float, *, is_sphere: bool = False) -> Tensor:
    """``(1, 3, H, W)`` whose luma is smooth where it changes little, by the guided filter (He, Sun and Tang 2010).

    Grain goes, edges and strong lines stay. ``amount`` is the share of it, 0 to 1.
    """
    width = frame.shape[3]
    light = luma(frame)
    margin = min(2 * GRAIN, width) if is_sphere else 0
    wide = F.pad(light, (margin, margin, 0, 0), "circular") if margin else light
    mean, square = torch.split(_window_means(torch.cat([wide, wide * wide], dim=1), GRAIN), 1, dim=1)
    variance = square - mean * mean
    slope = variance / (variance + EDGE**2)
    slope, constant = torch.split(_window_means(torch.cat([slope, mean - slope * mean], dim=1), GRAIN), 1, dim=1)
    smooth = (slope * wide + constant)[..., margin : margin + width]
    return torch.add(frame, smooth - light, alpha=amount).clamp_(0, 1)


def _window_means(planes: Tensor, radius: int) -> Tensor:
    """Means of the squares around all pixels."""
    return F.avg_pool2d(F.pad(planes, (radius,) * 4, "replicate"), 2 * radius + 1, stride=1)
