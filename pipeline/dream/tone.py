"""Tone: keeps brightness and contrast of the feedback loop from drifting or clipping over thousands of frames."""

import math

from torch import Tensor

from pipeline.config import DreamConfig


def hold(frame: Tensor, config: DreamConfig, seconds: float, where: Tensor | None = None) -> Tensor:
    """Pull mean and contrast of ``(1, 3, H, W)`` toward the set point, at ``tone_rate`` for ``seconds``.

    Both are those of the whole picture, so that colours keep their relations, or of the part that the mask ``where``
    ``(1, 1, H, W)`` weights.
    """
    fraction = 1 - math.exp(-config.tone_rate * seconds)
    mean, deviation = _mean_and_deviation(frame, where)
    gain = 1 + fraction * (config.tone_contrast / (deviation + 1e-6) - 1)
    # Bounded, so that the grey at the very start is not blown up into noise.
    gain = gain.clamp(max=1 + fraction)
    return (frame - mean).mul_(gain).add_(mean).add_(fraction * (config.tone_mean - mean))


def _mean_and_deviation(frame: Tensor, where: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean and deviation of all pixels, or of those that ``where`` weights."""
    if where is None:
        return frame.mean(), frame.std()
    weights = where / (3 * where.sum() + 1e-6)
    mean = (frame * weights).sum()
    return mean, ((frame - mean).square() * weights).sum().sqrt()


def soften(before: Tensor, after: Tensor) -> Tensor:
    """``after`` with its change from ``before``, both ``(1, 3, H, W)``, compressed to stay within [0, 1].

    The less room is left in its direction, the more a change is compressed; no change stays none. So nothing fades
    however often it is applied, unlike with a tone curve over the picture.
    """
    before = before.clamp(0, 1)
    change = after - before
    # In place: at 8K each copy takes 400 megabytes. The room is 1 - before where the change is positive, else before.
    room = change.sign().clamp_(min=0).sub_(before).abs_().clamp_(min=1e-4)
    return change.div_(room).tanh_().mul_(room).add_(before).clamp_(0, 1)
