"""The picture as a relief: how near each part of it is, from its own octave energy. No depth network is needed.

What has strong contrasts in many octaves, a motif, stands in front of what is calm. The relief is smooth: a flight over
it bends the picture and tears nothing.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.image import luma

SIDE = 128  # pixels of the short side at which the relief is computed: the same for every size of a film
OCTAVES = 4
SMOOTH_PIXELS = 9  # standard deviation of the blur, at this size
FLOOR = 0.01  # contrast that counts as calm


def nearness(canvas: Tensor) -> Tensor:
    """How near the parts of a canvas ``(1, 3, H, W)`` are: ``(1, 1, h, w)`` in (-1, 1), on average about 0."""
    grey = luma(canvas)
    height, width = grey.shape[2:]
    scale = min(1.0, SIDE / min(height, width))
    size = (max(8, round(height * scale)), max(8, round(width * scale)))
    grey = F.interpolate(grey, size=size, mode="bilinear", antialias=True, align_corners=False)
    energy = torch.zeros_like(grey)
    for octave in range(OCTAVES):
        wider = blur(grey, 2.0**octave)
        energy, grey = energy + blur((grey - wider).square(), 2.0 * 2.0**octave).sqrt(), wider
    return standardised(blur((energy + FLOOR).log(), SMOOTH_PIXELS * min(size) / SIDE), 0.1).to(canvas.dtype)


def standardised(level: Tensor, floor: float) -> Tensor:
    """Any numbers ``(1, 1, h, w)`` as those in (-1, 1), on average about 0; what varies less than ``floor`` is flat."""
    precise = level if level.device.type == "mps" else level.double()  # the same bits with any number of threads
    precise = precise - precise.mean()
    return torch.tanh(precise / (1.5 * precise.square().mean().sqrt() + floor))


def blur(frame: Tensor, deviation: float) -> Tensor:
    """A Gaussian blur of ``(1, 1, h, w)`` with mirrored borders; ``deviation`` in pixels."""
    for dim in (2, 3):
        radius = min(max(1, round(2.5 * deviation)), frame.shape[dim] - 1)
        offsets = torch.arange(-radius, radius + 1, device=frame.device, dtype=frame.dtype)
        kernel = torch.exp(-offsets.square() / (2 * deviation**2))
        kernel = (kernel / kernel.sum()).view((1, 1, -1, 1) if dim == 2 else (1, 1, 1, -1))
        padding = (0, 0, radius, radius) if dim == 2 else (radius, radius, 0, 0)
        frame = F.conv2d(F.pad(frame, padding, mode="reflect"), kernel)
    return frame
