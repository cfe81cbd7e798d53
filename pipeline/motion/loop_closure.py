"""How the end of a film is led to its beginning, so that it can be shown again and again.

Frames are made for a while before the film begins, at the very seconds of the score at which it will end, and kept:
its run-up. When the film ends, each new frame is drawn toward the kept one of the same second, a little more each time,
and fed back: what is blended is dreamed over, so that no ghost of either stays. The last frame is the kept one, and the
film's first one has grown out of that.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from pipeline.timing.smoothstep import smoothstep

AHEAD = 0.35  # of a frame by which the last kept frames run ahead, so that the seam is a smaller step than others


def share(number: int, overlap: int) -> float:
    """How far frame ``number`` of the last ``overlap`` is drawn to the kept one: smoothly up to 1 at the last."""
    return smoothstep((number + 1) / overlap)


class Home:
    """The kept frames ``(1, 3, H, W)`` by number, which run ahead by up to ``AHEAD`` of a frame at the last.

    ``frames`` reads all ``count`` of them and the film's first, from the beginning. They are asked for in order, by a
    render that goes on in their middle from a later one on.
    """

    def __init__(self, frames: Callable[[], Iterator[Tensor]], count: int) -> None:
        self._frames, self._count = frames, count
        self._coming, self._pair, self._at = iter(()), list[Tensor](), -1  # type: Iterator[Tensor], list[Tensor], int

    def __call__(self, number: int) -> Tensor:
        if self._at < 0 or number < self._at:
            self._coming, self._at = self._frames(), 0
            self._pair = [next(self._coming), next(self._coming)]
        while self._at < number:
            self._pair, self._at = [self._pair[1], next(self._coming)], self._at + 1
        return torch.lerp(self._pair[0], self._pair[1], AHEAD * (number + 1) / self._count)
