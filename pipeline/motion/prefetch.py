"""Source frames and the optical flow between them, prepared one frame ahead of the dream in a thread.

Frame and flow are a pure function of the footage: reading from any frame gives the same bits as reading from the first.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from torch import Tensor

from pipeline.motion.content_mask import Stillness
from pipeline.motion.optical_flow import Estimate, Motion

ReadFrames = Callable[[int], Iterator[Tensor]]
"""Frame number → the source frames from there on."""


@dataclass(frozen=True)
class SourceFrame:
    """A source frame ``(1, 3, H, W)`` on the CPU.

    ``motion`` leads to the frame before; None if there is none to follow. ``moving`` is the flow ``(1, 2, h, w)`` that
    says what moves in this frame: the last one while an image is repeated, at the start of a scene that to the next
    image; None if unknown.
    """

    index: int
    source: Tensor
    motion: Motion | None
    moving: Tensor | None
    still: Tensor | None = None
    """How long each place has been still, ``(1, 1, h, w)`` in [0, 1]; None if nobody asks."""


class Prefetch:
    """Gives frame after frame. ``cuts`` start scenes, ``repeats`` show the image before them again.

    Without ``estimate`` no flow is known. ``still_frames`` is after how many frames of rest a place counts as still, at
    ``fps``; 0: nobody asks.
    """

    def __init__(
        self,
        frames: ReadFrames,
        estimate: Estimate | None,
        cuts: frozenset[int] = frozenset(),
        repeats: frozenset[int] = frozenset(),
        still_frames: int = 0,
        fps: float = 24.0,
    ) -> None:
        self._still_frames, self._fps = still_frames, fps
        self._frames, self._estimate = frames, estimate
        self._cuts, self._repeats = cuts, repeats - cuts
        self._pool = ThreadPoolExecutor(1, "footage")
        self._reader: Generator[SourceFrame, None, None] | None = None
        self._future: Future[SourceFrame | None] | None = None
        self.next_index: int | None = None
        """The number of the frame that ``take`` gives next; None before ``start``."""

    def is_cut(self, index: int) -> bool:
        """Whether a scene starts at frame ``index``, other than the first."""
        return index in self._cuts

    def start(self, index: int) -> None:
        """Start reading, so that ``take`` gives frame ``index``. Reads from the frame it depends on."""
        self.stop()
        start = index
        for _ in range(self._still_frames + 1 if self._still_frames else 0):
            start -= not self._starts_scene(start)
        start = self._first_shown(start)
        if not self._starts_scene(start):
            start -= 1
        self._reader, self.next_index = self._read(start), index
        self._future = self._pool.submit(_skip, self._reader, index - start)

    def take(self) -> SourceFrame:
        """The next frame; waits for it. ValueError at the end of the footage."""
        assert self._reader is not None and self._future is not None and self.next_index is not None
        frame = self._future.result()
        if frame is None:
            raise ValueError("the footage ended before the film")
        self.next_index += 1
        self._future = self._pool.submit(next, self._reader, None)
        return frame

    def stop(self) -> None:
        """Stop reading; ``start`` may follow."""
        if self._future is not None:
            self._future.exception()  # waits; an error past the end of the film does not matter
        if self._reader is not None:
            self._reader.close()
        self._reader = self._future = self.next_index = None

    def close(self) -> None:
        """Stop reading and end the thread."""
        self.stop()
        self._pool.shutdown()

    def _starts_scene(self, index: int) -> bool:
        return index == 0 or index in self._cuts

    def _first_shown(self, index: int) -> int:
        """The frame at which the image of frame ``index`` is first shown."""
        while index in self._repeats:
            index -= 1
        return index

    def _read(self, start: int) -> Generator[SourceFrame, None, None]:
        images, queue = self._frames(start), deque[Tensor]()
        before: Tensor | None = None
        moving: Tensor | None = None
        stillness = Stillness(self._still_frames)
        index = start
        try:
            while True:
                source = queue.popleft() if queue else next(images, None)
                if source is None:
                    return
                motion = None
                if self._starts_scene(index):
                    moving = self._flow_to_next(source, index, images, queue)
                    stillness = Stillness(self._still_frames)
                elif before is not None and index not in self._repeats and self._estimate is not None:
                    motion = self._estimate(before, source)
                    # An image that stands for several frames moves slowly.
                    moving = motion.backward / (index - self._first_shown(index - 1))
                size = (source.shape[2], source.shape[3])
                flow = None if motion is None else motion.backward
                still = stillness.update(flow, size, self._fps) if self._still_frames else None
                yield SourceFrame(index, source, motion, moving, still)
                before, index = source, index + 1
        finally:
            close = getattr(images, "close", None)
            if close is not None:
                close()

    def _flow_to_next(
        self, source: Tensor, index: int, images: Iterator[Tensor], queue: deque[Tensor]
    ) -> Tensor | None:
        """The flow per frame from the first image of a scene to the next one; None for a scene of one image."""
        if self._estimate is None:
            return None
        later = index + 1
        while later in self._repeats:
            later += 1
        if later in self._cuts:
            return None
        while len(queue) < later - index:
            image = next(images, None)
            if image is None:
                return None
            queue.append(image)
        return self._estimate(queue[-1], source).backward / (later - index)


def _skip(frames: Iterator[SourceFrame], count: int) -> SourceFrame | None:
    """The frame after ``count`` others; None at the end of the footage."""
    for _ in range(count):
        next(frames, None)
    return next(frames, None)
