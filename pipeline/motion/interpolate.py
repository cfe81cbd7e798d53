"""Frames in between two frames, by optical flow (DIS)."""

import torch
from torch import Tensor

from pipeline.config import FlowConfig
from pipeline.motion.optical_flow import Motion, dis, warp


class Interpolator:
    """Frames in between: both neighbours are moved towards each other along the flow, and mixed.

    The flow of the last pair is held, since several frames may lie between two.
    """

    def __init__(self) -> None:
        self._estimate = dis(FlowConfig())
        self._pair: tuple[int, int] | None = None
        self._motion: Motion | None = None

    def between(self, before: Tensor, after: Tensor, fraction: float, pair: tuple[int, int]) -> Tensor:
        """The frame ``fraction`` of the way from ``before`` to ``after``, ``(1, 3, H, W)``; ``pair`` names both."""
        if self._motion is None or pair != self._pair:
            self._motion, self._pair = self._estimate(before, after), pair
        # What is at x now was a fraction of the backward flow away, and will be the rest of the forward flow away.
        from_before = warp(before, self._motion.backward * fraction)
        from_after = warp(after, self._motion.forward * (1 - fraction))
        return torch.lerp(from_before, from_after, fraction).clamp(0, 1)
