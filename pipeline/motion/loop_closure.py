"""How the end of a loop meets its beginning.

Frames are rendered before the film begins, at the seconds of the score at which it will end: its pre-roll. At the end
each new frame is mixed with the pre-roll frame of the same second, a little more each time, and fed back: the mixture
is dreamed over, so that no ghost of either stays. The last frame is the pre-roll's, out of which the first frame of the
film has grown.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from pipeline.image import crossfade
from pipeline.motion.stage import Stage, Wrapper
from pipeline.timing.smoothstep import smoothstep

LEAD_FRAMES = 0.35  # by which the last targets run ahead, so that the step at the wrap is smaller than the others


class LoopClosure(Wrapper):
    """From frame ``first`` on, the canvas fades within ``frames`` to ``targets``, ``(1, 3, H, W)`` by number.

    The dream goes on in the mixture, so that motifs turn into each other instead of shining through.
    """

    def __init__(self, inner: Stage, targets: Callable[[int], Tensor], first: int, frames: int) -> None:
        super().__init__(inner)
        self._targets, self._first, self._frames = targets, first, frames

    def finish(self, canvas: Tensor, index: int) -> Tensor:
        canvas, number = super().finish(canvas, index), index - self._first
        if number < 0:
            return canvas
        target = self._targets(number).to(canvas.device, canvas.dtype)
        colors = crossfade(canvas[:, :3], target, smoothstep((number + 1) / self._frames))
        return torch.cat([colors, canvas[:, 3:]], 1)


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
