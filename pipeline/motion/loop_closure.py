"""How the end of a loop meets its beginning.

Frames are rendered before the film begins, at the seconds of the score at which it will end: its pre-roll. At the end
each new frame is mixed with the pre-roll frame of the same second, a little more each time, and fed back: the mixture
is dreamed over, so that no ghost of either stays. The last frame is the pre-roll's, out of which the first frame of the
film has grown.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.cue import Cue
from pipeline.image import crossfade
from pipeline.motion.stage import Stage
from pipeline.timing.smoothstep import smoothstep

LEAD_FRAMES = 0.35  # by which the last targets run ahead, so that the step at the wrap is smaller than the others


@dataclass(frozen=True)
class LoopClosure(Stage):
    """From frame ``first`` on, the canvas fades to ``targets``, ``(1, 3, H, W)`` by number, completely in the last.

    The dream goes on in the mixture, so that motifs turn into each other instead of shining through.
    """

    inner: Stage
    targets: Callable[[int], Tensor]
    first: int
    frames: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "moves_all_channels", self.inner.moves_all_channels)

    def advance(self, canvas: Tensor, cue: Cue, index: int) -> Tensor:
        return self.inner.advance(canvas, cue, index)

    def begin_scene(self, index: int) -> None:
        self.inner.begin_scene(index)

    def mask(self, canvas: Tensor, kind: str) -> Tensor | None:
        return self.inner.mask(canvas, kind)

    def added(self, canvas: Tensor) -> Tensor | None:
        return self.inner.added(canvas)

    def finish(self, canvas: Tensor, index: int) -> Tensor:
        canvas, number = self.inner.finish(canvas, index), index - self.first
        if number < 0:
            return canvas
        target = self.targets(number).to(canvas.device, canvas.dtype)
        return crossfade(canvas, target, smoothstep((number + 1) / self.frames))


class LoopTargets:
    """The pre-roll frames ``(1, 3, H, W)`` by number; they run ahead by up to ``LEAD_FRAMES`` of a frame at the last.

    ``frames`` reads all ``count`` of them and the first frame of the film, from the start. Numbers are asked for in
    rising order, from any one on.
    """

    def __init__(self, frames: Callable[[], Iterator[Tensor]], count: int) -> None:
        self._frames, self._count = frames, count
        self._reader: Iterator[Tensor] = iter(())
        self._pair: list[Tensor] = []
        self._at = -1

    def __call__(self, number: int) -> Tensor:
        if self._at < 0 or number < self._at:
            self._reader, self._at = self._frames(), 0
            self._pair = [next(self._reader), next(self._reader)]
        while self._at < number:
            self._pair, self._at = [self._pair[1], next(self._reader)], self._at + 1
        return torch.lerp(self._pair[0], self._pair[1], LEAD_FRAMES * (number + 1) / self._count)
