"""Momentum: a share of the last step goes on in the next one, so steps that agree add up and others cancel out.

As in ``torch.optim.SGD`` with ``dampening=momentum``. The velocity of every pixel moves with the picture: it is in
channels 3 to 5 of the canvas, which camera and checkpoints treat like colours.
"""

from dataclasses import replace

import torch
from torch import Tensor

from pipeline.config import REFERENCE_PIXELS, DreamConfig, RenderConfig, octave_scales
from pipeline.dream.octave_sizes import octave_size
from pipeline.image import Resize, resize

REFERENCE_SECONDS = 1 / 24  # that dream.momentum refers to


def is_used(config: RenderConfig) -> bool:
    """Whether the steps of a shot go on. Over footage they would not follow what moves."""
    numbers = (config.dream.momentum, config.dream.coarse_momentum)
    return config.source.kind == "none" and any(str(number) not in ("0", "0.0") for number in numbers)


def split(canvas: Tensor) -> tuple[Tensor, Tensor]:
    """Canvas ``(1, 3 or more, H, W)`` → its colours and their velocity ``(1, 3, H, W)``, which is 0 at first."""
    colors = canvas[:, :3]
    return colors, canvas[:, 3:6] if canvas.shape[1] > 3 else torch.zeros_like(colors)


def early(config: DreamConfig, seconds: float) -> DreamConfig:
    """The settings this long after the noise has grown to a frame: momentum begins at 0.

    It counts the time, as a running mean does: what growing left in the velocity would else drift on for long.
    """
    frames = seconds / REFERENCE_SECONDS
    running = frames / (frames + 1)
    fine, coarse = (min(float(number), running) for number in (config.momentum, config.coarse_momentum))
    return replace(config, momentum=fine, coarse_momentum=coarse)


def carry_on(
    before: Tensor,
    after: Tensor,
    velocity: Tensor,
    config: DreamConfig,
    seconds: float,
    resize: Resize = resize,
) -> Tensor:
    """The canvas ``(1, 6, H, W)`` after a step from ``before`` to ``after``, ``(1, 3, H, W)``, with its new velocity.

    ``seconds`` is the duration of the step. What the coarsest octave can hold of the velocity follows
    ``coarse_momentum`` where that is larger.
    """
    fine, coarse = (momentum ** (seconds / REFERENCE_SECONDS) for momentum in (config.momentum, config.coarse_momentum))
    if max(fine, coarse) <= 0:  # the same bits as without a velocity
        return torch.cat([after, after - before], 1)
    canvas = before.new_empty(1, 6, *before.shape[2:])
    colors, later = canvas[:, :3], canvas[:, 3:]
    torch.lerp(velocity, after - before, 1 - fine, out=later)
    size = (before.shape[2], before.shape[3])
    side = octave_scales(config, min(size))[0] * REFERENCE_PIXELS
    if coarse > fine and min(size) > side:
        change = (after - before).sub_(velocity)
        later.sub_(resize(resize(change, octave_size(size, side)), size), alpha=coarse - fine)
    torch.add(before, later, out=colors).clamp_(0, 1)
    return canvas
