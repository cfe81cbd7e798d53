"""Tone: what keeps a picture from drifting to mud or burning out in ten thousand rounds of feedback."""

import math

import torch
from torch import Tensor

from pipeline.config import DreamConfig


def hold(frame: Tensor, config: DreamConfig, seconds: float, where: Tensor | None = None) -> Tensor:
    """Pull mean and contrast of ``(1, 3, H, W)`` toward the set point by the share due in ``seconds``.

    Brightness and contrast are those of the whole picture, so the colours keep their relations; with ``where``
    ``(1, 1, H, W)`` they are those of the part that it weighs.
    """
    share = 1 - math.exp(-config.tone_rate * seconds)
    mean, deviation = _figures(frame, where)
    gain = 1 + share * (config.tone_contrast / (deviation + 1e-6) - 1)
    # Bounded, so that the grey at the very start is not blown up into noise.
    gain = gain.clamp(max=1 + share)
    held: Tensor = (frame - mean) * gain + mean + share * (config.tone_mean - mean)
    return held


def _figures(frame: Tensor, where: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean and deviation of all pixels, or of those that ``where`` weighs."""
    if where is None:
        return frame.mean(), frame.std()
    share = where / (3 * where.sum() + 1e-6)
    mean = (frame * share).sum()
    return mean, ((frame - mean).square() * share).sum().sqrt()


def soften(before: Tensor, after: Tensor) -> Tensor:
    """The change from ``before`` to ``after``, both ``(1, 3, H, W)``, bent so that it stays within [0, 1].

    A change is bent the more the less room is left in its direction, and no change stays none: unlike a curve laid over
    the picture, nothing wears off however often it is applied.
    """
    before = before.clamp(0, 1)
    change = after - before
    room = torch.where(change > 0, 1 - before, before).clamp_(min=1e-4)
    # In place: at 8K each copy that is kept is 400 megabytes.
    return change.div_(room).tanh_().mul_(room).add_(before).clamp_(0, 1)
