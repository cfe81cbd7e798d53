"""Momentum: a share of the last step goes on in the next one, so steps that agree add up and others cancel out.

As in ``torch.optim.SGD`` with ``dampening=momentum``. The velocity of every pixel moves with the picture: it is in
channels 3 to 5 of the canvas, which camera and checkpoints treat like colours.
"""

import torch
from torch import Tensor

from pipeline.config import RenderConfig

REFERENCE_SECONDS = 1 / 24  # that dream.momentum refers to


def is_used(config: RenderConfig) -> bool:
    """Whether the steps of a shot go on. Over footage they would not follow what moves."""
    return config.source.kind == "none" and str(config.dream.momentum) not in ("0", "0.0")


def split(canvas: Tensor) -> tuple[Tensor, Tensor]:
    """Canvas ``(1, 3 or more, H, W)`` → its colours and their velocity ``(1, 3, H, W)``, which is 0 at first."""
    colors = canvas[:, :3]
    return colors, canvas[:, 3:6] if canvas.shape[1] > 3 else torch.zeros_like(colors)


def carry_on(before: Tensor, after: Tensor, velocity: Tensor, momentum: float, seconds: float) -> Tensor:
    """The canvas ``(1, 6, H, W)`` after a step from ``before`` to ``after``, ``(1, 3, H, W)``, with its new velocity.

    ``momentum`` is the share of the velocity that is left after 1/24 second, ``seconds`` the duration of the step.
    """
    if momentum <= 0:  # the same bits as without a velocity
        return torch.cat([after, after - before], 1)
    share = 1 - momentum ** (seconds / REFERENCE_SECONDS)
    canvas = before.new_empty(1, 6, *before.shape[2:])
    colors, later = canvas[:, :3], canvas[:, 3:]
    torch.lerp(velocity, after - before, share, out=later)
    torch.add(before, later, out=colors).clamp_(0, 1)
    return canvas
