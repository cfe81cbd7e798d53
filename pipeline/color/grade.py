"""Colours of finished frames.

In this order: chroma, grain, sharpness, palette, temperature, saturation, contrast, look-up table.

Palette, temperature and saturation are one affine map between cube roots of cone responses (``oklab.py``), so each
pixel is converted once. What leaves the range is compressed toward a grey of its lightness, softly, so that hues and
gradients stay.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.color import oklab
from pipeline.color.lut import Lut
from pipeline.color.palette import ColorStatistics, frame_statistics, transport
from pipeline.color.smoothing import denoise, smooth_chroma
from pipeline.config import ColorConfig

STRIP_PIXELS = 1 << 16  # converted at a time: they fit into caches
CONTRAST_PIVOT = 0.45  # stays; the mean that dream.tone=hold holds
KNEE, MAX_KNEE = 0.8, 0.999  # of the way from grey to the edge of the range: where compression begins
EPSILON = 1e-6
BLUR = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)  # binomial, with a deviation of one pixel

Rows = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Grade:
    """Colours frames by the numbers of their moment, with the files of the settings."""

    palette: ColorStatistics | None = None
    lut: Lut | None = None
    is_sphere: bool = False
    """Whether the left side of a frame continues the right one."""

    def __call__(self, frame: Tensor, color: ColorConfig) -> Tensor:
        """``(1, 3, H, W)`` in [0, 1], coloured; the frame itself where nothing changes."""
        if float(color.chroma_smoothing):
            frame = smooth_chroma(frame.float(), float(color.chroma_smoothing), is_sphere=self.is_sphere)
        if float(color.denoise):
            frame = denoise(frame.float(), float(color.denoise), is_sphere=self.is_sphere)
        if float(color.sharpness) != 1:
            frame = sharpen(frame.float(), float(color.sharpness), is_sphere=self.is_sphere)
        cones, contrast = self._cones(frame, color), float(color.contrast)
        if cones is None and contrast == 1 and self.lut is None:
            return frame
        rows = max(1, STRIP_PIXELS // frame.shape[3])
        return torch.cat([self._color(strip, cones, contrast) for strip in torch.split(frame, rows, dim=2)], dim=2)

    def _cones(self, frame: Tensor, color: ColorConfig) -> Rows | None:
        """The affine map ``(3, 4)`` of cones for palette, temperature and saturation; None if it changes nothing."""
        strength = float(color.palette_strength) if self.palette is not None else 0.0
        temperature, saturation = float(color.temperature), float(color.saturation)
        if not strength and not temperature and saturation == 1:
            return None
        lab = torch.eye(3, 4, dtype=torch.float64)
        if self.palette is not None and strength:
            lab = transport(frame_statistics(frame), self.palette, strength)
        if temperature:
            lab = oklab.white_point(temperature) @ lab
        lab[1:] *= saturation
        to_lab = oklab.matrix(oklab.CONES_TO_LAB)
        result = torch.linalg.inv(to_lab) @ lab
        result[:, :3] = result[:, :3] @ to_lab
        rows: list[list[float]] = result.tolist()
        return rows

    def _color(self, frame: Tensor, cones: Rows | None, contrast: float) -> Tensor:
        frame = frame.float()
        if cones is not None:
            frame = _move_colors(frame, cones)
        if contrast != 1:
            frame = change_contrast(frame, contrast)
        return frame if self.lut is None else self.lut(frame)


def sharpen(frame: Tensor, amount: float, *, is_sphere: bool = False) -> Tensor:
    """``(1, 3, H, W)`` with ``amount`` times the detail that a blur of about a pixel takes away: an unsharp mask."""
    height, width = frame.shape[2:]
    padded = F.pad(F.pad(frame, (2, 2, 0, 0), "circular" if is_sphere else "replicate"), (0, 0, 2, 2), "replicate")
    blurred = _blurred(_blurred(padded, 2, height), 3, width)
    return torch.lerp(blurred, frame, amount).clamp_(0, 1)


def _blurred(padded: Tensor, dim: int, length: int) -> Tensor:
    """The ``BLUR`` along one dimension, which becomes ``length`` long."""
    result = padded.narrow(dim, 0, length) * BLUR[0]
    for at, weight in enumerate(BLUR[1:], 1):
        result.add_(padded.narrow(dim, at, length), alpha=weight)
    return result


def change_contrast(frame: Tensor, contrast: float) -> Tensor:
    """A tone curve of this slope at the pivot: below 1 a line, above a logistic curve, on which nothing clips."""
    if contrast < 1:
        return torch.lerp(torch.full_like(frame[:1, :1, :1, :1], CONTRAST_PIVOT), frame, contrast)
    pivot = math.log(CONTRAST_PIVOT / (1 - CONTRAST_PIVOT))
    return (frame.logit(EPSILON).sub_(pivot).mul_(contrast).add_(pivot)).sigmoid_()


def _move_colors(frame: Tensor, cones: Rows) -> Tensor:
    """The affine map of cones applied to ``(1, 3, h, w)``."""
    linear = oklab.to_linear(frame)
    before = oklab.power(_mix(oklab.RGB_TO_LMS, linear).clamp_(min=0), 1 / 3)
    knee = _Greys(_lightness(before)).reach(linear).clamp_(KNEE, MAX_KNEE)
    after = _mix(cones, before)
    lightness = _lightness(after)
    greys = _Greys(lightness)
    factor = greys.compression(_linear(after), knee)
    after.sub_(lightness).mul_(factor).add_(lightness)  # of the same hue, but not yet in the range
    result = _linear(after)
    factor = greys.compression(result, knee)
    result.sub_(greys.linear).mul_(factor).add_(greys.linear)
    return oklab.to_encoded(result.clamp_(0, 1)).clamp_(0, 1)


class _Greys:
    """The greys of these ``lightness`` ``(1, 1, h, w)``, in ``linear`` light."""

    def __init__(self, lightness: Tensor) -> None:
        self.linear = lightness * lightness * lightness
        self._to_black = self.linear.clamp(min=EPSILON).reciprocal_()
        self._to_white = (1 - self.linear).clamp_(min=EPSILON).reciprocal_()

    def reach(self, colors: Tensor) -> Tensor:
        """How far linear ``(1, 3, h, w)`` are from grey toward the edge of [0, 1], which is 1; ``(1, 1, h, w)``."""
        above = colors.amax(dim=1, keepdim=True).sub_(self.linear).mul_(self._to_white)
        below = (self.linear - colors.amin(dim=1, keepdim=True)).mul_(self._to_black)
        return torch.maximum(above, below)

    def compression(self, colors: Tensor, knee: Tensor) -> Tensor:
        """The factor on the distance to grey that keeps linear colours in [0, 1]; below the ``knee`` 1.

        An excess e over the knee becomes e / (1 + e), in units of the way from the knee to the edge.
        """
        reach = self.reach(colors)
        excess = (reach - knee).clamp_(min=0)
        whole = (1 - knee).add_(excess).mul_(reach.clamp_(min=EPSILON))
        return excess.square_().div_(whole).neg_().add_(1)


def _linear(cones: Tensor) -> Tensor:
    return _mix(oklab.LMS_TO_RGB, (cones * cones).mul_(cones))


def _lightness(cones: Tensor) -> Tensor:
    """``(1, 1, h, w)`` in [0, 1]; the cones of a grey all have this value."""
    return _mix(oklab.CONES_TO_LAB[:1], cones).clamp_(0, 1)


def _mix(rows: Rows, planes: Tensor) -> Tensor:
    """A matrix, ``(n, 3)`` or with a constant in a fourth column, times the channels of ``(1, 3, h, w)``."""
    result = planes.new_empty(1, len(rows), *planes.shape[2:])
    for plane, (first, second, third, *constant) in zip(result[0], rows, strict=True):
        torch.mul(planes[0, 0], first, out=plane)
        plane.add_(planes[0, 1], alpha=second).add_(planes[0, 2], alpha=third)
        if constant:
            plane.add_(constant[0])
    return result
