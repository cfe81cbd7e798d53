"""One frame: octaves of gradient ascent, each adding detail of its own size to the full-size canvas."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from pipeline.config import DreamConfig
from pipeline.dream import tone
from pipeline.dream.gradient import step_direction
from pipeline.dream.objective import Objective
from pipeline.dream.pyramid import fit, resize
from pipeline.errors import DreamError

TargetsAt = Callable[[float], Mapping[str, float]]


class Dreamer:
    """Dreams frames with one network and one set of settings.

    ``short_side`` (pixels) is the finished frame's: an octave's *scale* is its short side over that one.
    """

    def __init__(self, objective: Objective, config: DreamConfig, short_side: int) -> None:
        self._objective, self._config, self._short_side = objective, config, short_side

    def scales(self, short_side: int) -> list[float]:
        """Scales of the octaves of a canvas with this short side (pixels), coarse to fine."""
        ratio = self._config.octave_ratio
        sides = [short_side / ratio**n for n in range(self._config.octaves)]
        return [side / self._short_side for side in reversed(sides)]

    def fits(self, scale: float, targets: Mapping[str, float]) -> bool:
        """Whether the octave of this scale is large enough for the network to see these targets."""
        return round(scale * self._short_side) >= self._objective.smallest(targets)

    def dream(
        self,
        canvas: Tensor,
        targets: TargetsAt,
        *,
        strength: float,
        seconds: float,
        generator: torch.Generator,
    ) -> Tensor:
        """Canvas ``(1, 3, h, w)`` → canvas dreamed for ``seconds`` at ``strength`` (deviations per second).

        ``targets`` gives the weighted targets of an octave by its scale. Raises DreamError when a gradient is not
        finite.
        """
        size = (canvas.shape[2], canvas.shape[3])
        amount = strength * seconds / self._config.steps
        finite: list[tuple[float, Tensor]] = []
        for scale in self.scales(min(size)):
            wanted = {target: weight for target, weight in targets(scale).items() if weight}
            if not wanted or not self.fits(scale, wanted):
                continue
            # Only the change travels between sizes: the canvas keeps detail that a small octave cannot hold.
            before = resize(canvas, fit(size, scale * self._short_side))
            after = before
            for _ in range(self._config.steps):
                step = self._step(after, wanted, generator)
                finite.append((scale, step.isfinite().all()))
                after = after + amount * step
            canvas = canvas + resize(after - before, size)
        _check_finite(finite)
        if self._config.tone == "hold":
            canvas = tone.hold(canvas, self._config, seconds)
        return tone.soft_clip(canvas)

    def _step(self, picture: Tensor, targets: Mapping[str, float], generator: torch.Generator) -> Tensor:
        """The unit-deviation direction ``(1, 3, h, w)`` in which the objective rises."""
        reach = min(self._config.jitter, min(picture.shape[2:]) // 2)
        down, right = torch.randint(-reach, reach + 1, (2,), generator=generator).tolist()
        with torch.enable_grad():
            leaf = picture.detach().roll((down, right), dims=(2, 3)).requires_grad_(True)
            value = self._objective.value(leaf, targets, (down, right))
            (gradient,) = torch.autograd.grad(value, leaf)
        return step_direction(gradient, self._config).roll((-down, -right), dims=(2, 3))


def _check_finite(flags: list[tuple[float, Tensor]]) -> None:
    """One wait for the device per frame, not one per step."""
    if flags and not bool(torch.stack([flag for _, flag in flags]).all()):
        scale = next(scale for scale, flag in flags if not bool(flag))
        raise DreamError(
            f"the gradient is not finite at the octave of scale {scale:.2f}; try precision=float32, "
            "fewer dream.octaves or another target"
        )
