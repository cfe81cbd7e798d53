"""The end of a chunk of footage is led to the frames with which the next chunk is dreamed in (``farm.chunk``)."""

from collections.abc import Callable, Iterator, Sequence

from torch import Tensor

from pipeline.image import crossfade
from pipeline.motion.stage import Stage, Wrapper
from pipeline.timing.smoothstep import smoothstep

DreamAfresh = Callable[[int], Iterator[Tensor]]
"""Frame number → the canvases from there on, as if a scene began with it."""


class ChunkClosure(Wrapper):
    """In each of ``spans``, the pre-roll of a chunk, the canvas of the chunk before fades to that of the pre-roll.

    In the last frame it is that: the next chunk goes on from there. The tasks of both chunks dream the pre-roll.
    """

    def __init__(self, inner: Stage, spans: Sequence[range], dream: DreamAfresh) -> None:
        super().__init__(inner)
        self._spans, self._dream = spans, dream
        self._own: range | None = None  # the pre-roll of the chunk that is rendered
        self._target: tuple[range, int, Iterator[Tensor]] | None = None  # its next frame

    def begin_scene(self, index: int) -> None:
        self._own = next((span for span in self._spans if span.start == index), None)
        super().begin_scene(index)

    def finish(self, canvas: Tensor, index: int) -> Tensor:
        canvas = super().finish(canvas, index)
        span = next((span for span in self._spans if index in span and span != self._own), None)
        if span is None:
            return canvas
        target = self._frame(span, index).to(canvas.device, canvas.dtype)
        return crossfade(canvas, target, smoothstep((index - span.start + 1) / len(span)))

    def _frame(self, span: range, index: int) -> Tensor:
        """The canvas of the pre-roll; numbers rise within a span."""
        if self._target is None or self._target[0] != span or self._target[1] > index:
            self._target = span, span.start, self._dream(span.start)
        _, at, frames = self._target
        for _ in range(index - at):
            next(frames)
        self._target = span, index + 1, frames
        return next(frames)
