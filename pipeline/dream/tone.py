"""Tone: what keeps a picture from drifting to mud or burning out in ten thousand rounds of feedback."""

import math

import torch
from torch import Tensor

from pipeline.config import DreamConfig

KNEE = 0.06  # of the range, at either end, within which values are bent instead of cut


def hold(frame: Tensor, config: DreamConfig, seconds: float) -> Tensor:
    """Pull mean and contrast of ``(1, 3, H, W)`` toward the set point by the share due in ``seconds``.

    Brightness and contrast are those of the whole picture, so the colours keep their relations.
    """
    share = 1 - math.exp(-config.tone_rate * seconds)
    mean, deviation = frame.mean(), frame.std()
    gain = 1 + share * (config.tone_contrast / (deviation + 1e-6) - 1)
    # Bounded, so that the grey at the very start is not blown up into noise.
    gain = gain.clamp(max=1 + share)
    return (frame - mean) * gain + mean + share * (config.tone_mean - mean)


def soft_clip(frame: Tensor) -> Tensor:
    """Any ``(1, 3, H, W)`` → within (0, 1): untouched in the middle, bent smoothly near both ends."""
    high = 1 - KNEE
    over, under = (frame - high) / KNEE, (KNEE - frame) / KNEE
    bent = torch.where(over > 0, high + KNEE * torch.tanh(over), frame)
    return torch.where(under > 0, KNEE - KNEE * torch.tanh(under), bent)
