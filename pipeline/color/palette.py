"""Gives a frame the colours of a palette by optimal transport between two Gaussians, in OKLab.

Lightness stays: exposure and contrast are the dream's. What a palette does to shadows and highlights (blue ones, warm
ones) is kept as the line of its colours over lightness; what is left is transported in the plane of colours (Pitié and
Kokaram, *The linear Monge-Kantorovitch linear colour mapping*, 2007). The map is affine, so it makes no bands.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pipeline.color.oklab import matrix, to_lab

SAMPLED_PIXELS = 128  # about, on the short side of a frame
SWATCH_SPREAD = 0.6  # of swatches around their line; with all of it, hues appear that none of them has
MIN_LIGHTNESS_DEVIATION = 0.03
MIN_COLOR_DEVIATION = 0.025  # of what is transported, so that no noise in a grey frame is blown up


@dataclass(frozen=True)
class ColorStatistics:
    """Mean ``(3,)`` of colours in OKLab, deviation of their lightness, ``slope`` ``(2,)`` of a and b over one such
    deviation, and covariance ``(2, 2)`` of what is left of a and b.
    """

    mean: Tensor
    lightness: Tensor
    slope: Tensor
    covariance: Tensor


def statistics_of(colors: Tensor) -> ColorStatistics:
    """The statistics of OKLab colours ``(n, 3)``."""
    mean = colors.mean(dim=0)
    centred = colors - mean
    covariance = centred.T @ centred / len(colors)
    lightness = covariance[0, 0].sqrt().clamp(min=MIN_LIGHTNESS_DEVIATION)
    slope = covariance[0, 1:] / lightness
    return ColorStatistics(mean, lightness, slope, covariance[1:, 1:] - torch.outer(slope, slope))


def palette_of(swatches: tuple[str, ...]) -> ColorStatistics:
    """The statistics of colours such as ``#ff8000``."""
    channels = [[int(swatch[at : at + 2], 16) / 255 for at in (1, 3, 5)] for swatch in swatches]
    result = statistics_of(to_lab(matrix(channels)))
    return replace(result, covariance=result.covariance * SWATCH_SPREAD**2)


def frame_statistics(frame: Tensor) -> ColorStatistics:
    """The statistics of a frame ``(1, 3, H, W)``, from a grid of its pixels."""
    stride = max(1, min(frame.shape[2:]) // SAMPLED_PIXELS)
    pixels = frame[0, :, stride // 2 :: stride, stride // 2 :: stride].flatten(1).T
    return statistics_of(to_lab(pixels))


def transport(source: ColorStatistics, target: ColorStatistics, strength: float) -> Tensor:
    """The affine map ``(3, 4)`` of OKLab that gives ``source`` the colours of ``target``, ``strength`` of the way."""
    floor = torch.eye(2, dtype=torch.float64) * MIN_COLOR_DEVIATION**2
    root = _root(source.covariance + floor)
    inverse = torch.linalg.inv(root)
    plane = inverse @ _root(root @ target.covariance @ root) @ inverse
    slope = (target.slope - plane @ source.slope) / source.lightness
    full = torch.zeros(3, 4, dtype=torch.float64)
    full[0, 0] = 1
    full[1:, 0], full[1:, 1:3] = slope, plane
    full[1:, 3] = target.mean[1:] - plane @ source.mean[1:] - slope * source.mean[0]
    return torch.lerp(torch.eye(3, 4, dtype=torch.float64), full, strength)


def _root(symmetric: Tensor) -> Tensor:
    """The square root of a positive semidefinite matrix."""
    values, vectors = torch.linalg.eigh(symmetric)
    root: Tensor = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
    return root
