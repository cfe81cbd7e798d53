"""Source frames and the motion between them, found one frame ahead of the dream, in a thread.

What is found for a frame is a pure function of the footage: whoever begins at any frame gets the same bits as whoever
came to it from the first.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from torch import Tensor

from pipeline.motion.optical_flow import Estimate, Motion

Frames = Callable[[int], Iterator[Tensor]]


@dataclass(frozen=True)
class Shown:
    """A source frame ``(1, 3, H, W)`` on the CPU.

    ``motion`` leads from it to the frame before, None where there is none to follow. ``moving`` is the flow
    ``(1, 2, h, w)`` that says what moves in it: held where a picture is shown again, and that to the next picture where
    a scene begins; None where nothing is known to move.
    """

    index: int
    source: Tensor
    motion: Motion | None
    moving: Tensor | None


class Ahead:
    """Gives frame after frame. ``cuts`` begin scenes, ``repeats`` show the picture before them once more."""

    def __init__(
        self, frames: Frames, estimate: Estimate | None, cuts: frozenset[int], repeats: frozenset[int]
    ) -> None:
        self._frames, self._estimate = frames, estimate
        self._cuts, self._repeats = cuts, repeats - cuts
        self._pool = ThreadPoolExecutor(1, "footage")
        self._running: Generator[Shown, None, None] | None = None
        self._coming: Future[Shown | None] | None = None
        self._next: int | None = None

    @property
    def coming(self) -> int | None:
        """The number of the frame that ``take`` gives next; None before ``begin``."""
        return self._next

    def begin(self, index: int) -> None:
        """Read from where frame ``index`` depends on; its own comes first."""
        self.stop()
        start = self._begun(index)
        if not self._is_first(start):
            start -= 1
        self._running, self._next = self._follow(start), index
        self._coming = self._pool.submit(_after, self._running, index - start)

    def take(self) -> Shown:
        """The next frame, waited for; sets off what follows. ValueError when the footage is over."""
        assert self._running is not None and self._coming is not None and self._next is not None
        shown = self._coming.result()
        if shown is None:
            raise ValueError("the footage ended before the film")
        self._next += 1
        self._coming = self._pool.submit(next, self._running, None)
        return shown

    def stop(self) -> None:
        """End the reading; ``begin`` may follow."""
        if self._coming is not None:
            self._coming.exception()  # waits; what went wrong ahead of the film's end is no longer of interest
        if self._running is not None:
            self._running.close()
        self._running = self._coming = self._next = None

    def close(self) -> None:
        """End the reading and the thread."""
        self.stop()
        self._pool.shutdown()

    def _is_first(self, index: int) -> bool:
        return index == 0 or index in self._cuts

    def _begun(self, index: int) -> int:
        """The frame at which the picture of frame ``index`` is first shown."""
        while index in self._repeats:
            index -= 1
        return index

    def _follow(self, start: int) -> Generator[Shown, None, None]:
        pictures, waiting = self._frames(start), deque[Tensor]()
        before: Tensor | None = None
        moving: Tensor | None = None
        index = start
        try:
            while True:
                source = waiting.popleft() if waiting else next(pictures, None)
                if source is None:
                    return
                motion = None
                if self._is_first(index):
                    moving = self._onward(source, index, pictures, waiting)
                elif before is not None and index not in self._repeats and self._estimate is not None:
                    motion = self._estimate(before, source)
                    # A picture that stands for several frames moves slowly.
                    moving = motion.backward / (index - self._begun(index - 1))
                yield Shown(index, source, motion, moving)
                before, index = source, index + 1
        finally:
            closing = getattr(pictures, "close", None)
            if closing is not None:
                closing()

    def _onward(self, source: Tensor, index: int, pictures: Iterator[Tensor], waiting: deque[Tensor]) -> Tensor | None:
        """The flow from the first picture of a scene to the next one; None for a scene of one picture."""
        if self._estimate is None:
            return None
        later = index + 1
        while later in self._repeats:
            later += 1
        if later in self._cuts:
            return None
        while len(waiting) < later - index:
            picture = next(pictures, None)
            if picture is None:
                return None
            waiting.append(picture)
        return self._estimate(waiting[-1], source).backward / (later - index)


def _after(running: Generator[Shown, None, None], skipped: int) -> Shown | None:
    """What comes after so many frames; None when the footage is over."""
    for _ in range(skipped):
        next(running, None)
    return next(running, None)
