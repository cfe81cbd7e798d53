"""What the steps of a frame tell, gathered on the device and read at the frame's end: one wait, not one per step."""

import torch
from torch import Tensor

from pipeline.errors import DreamError


class Tally:
    """One frame's steps: whether all were finite and, where it is asked for, what they promised."""

    def __init__(self) -> None:
        self._octave, self._scale = 0, 1.0
        self._finite: list[tuple[float, Tensor]] = []
        self._told: list[tuple[int, Tensor]] = []

    def begin(self, octave: int, scale: float) -> None:
        """From now on the steps are those of the octave of this number and scale."""
        self._octave, self._scale = octave, scale

    def add(self, direction: Tensor) -> None:
        """A step in this direction ``(1, 3, h, w)``."""
        # Scaled by a deviation that is none once any number is none: one number tells for all.
        self._finite.append((self._scale, direction[0, 0, 0, 0].isfinite()))

    def promise(self, slope: Tensor, value: Tensor) -> None:
        """What a step promises: the objective's slope along its direction and its value there, both scalars."""
        self._told.append((self._octave, torch.stack([slope.float(), value.float()])))

    def check(self) -> None:
        """Raise DreamError where a step was not finite."""
        if self._finite and not bool(torch.stack([flag for _, flag in self._finite]).all()):
            scale = next(scale for scale, flag in self._finite if not bool(flag))
            raise DreamError(
                f"the gradient is not finite at the octave of scale {scale:.2f}; try precision=float32, "
                "fewer dream.octaves or another target"
            )

    def promises(self) -> dict[int, tuple[float, float]]:
        """By octave, all that its steps promised: the sum of the slopes and the sum of the values."""
        found: dict[int, tuple[float, float]] = {}
        numbers = torch.stack([told for _, told in self._told]).tolist() if self._told else []
        for (octave, _), (slope, value) in zip(self._told, numbers, strict=True):
            slopes, values = found.get(octave, (0.0, 0.0))
            found[octave] = (slopes + slope, values + value)
        return found
