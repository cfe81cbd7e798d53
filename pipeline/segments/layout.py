"""How a shot is divided into segments, and the names of their files."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Layout:
    """A shot of ``frames`` frames. Segments end every ``grid`` frames and before ``head``, ``tail`` and the ``cuts``.

    Frames before ``head`` and from ``tail`` on are mixed into transitions later: their files are lossless and end in
    ``lossless_suffix``, the others in ``suffix``, unless the whole shot is encoded again later (``all_lossless``).
    ``chunks``: first frames of segments that need no canvas, and the frames from which they are dreamed.
    """

    grid: int
    frames: int
    suffix: str
    lossless_suffix: str = ""
    head: int = 0
    tail: int | None = None
    cuts: tuple[int, ...] = ()
    all_lossless: bool = False
    chunks: tuple[tuple[int, int], ...] = ()

    def pre_roll(self, number: int) -> int | None:
        """The frame from which segment ``number`` is dreamed if it begins a chunk; else None."""
        return dict(self.chunks).get(self.first(number))

    @property
    def count(self) -> int:
        """Number of segments."""
        return -(-self.frames // self.grid) + sum(cut < self.frames for cut in self._off_grid)

    @property
    def last(self) -> int:
        """First frame of the last segment."""
        return self.first(self.count - 1)

    def first(self, number: int) -> int:
        """First frame of segment ``number``, even beyond the end of the shot."""
        passed = 0
        for cut in self._off_grid:
            starting = cut // self.grid + 1 + passed  # the segment that starts at the cut
            if number <= starting:
                return cut if number == starting else (number - passed) * self.grid
            passed += 1
        return (number - passed) * self.grid

    def length(self, number: int) -> int:
        """Number of frames in segment ``number``."""
        return min(self.first(number + 1), self.frames) - self.first(number)

    def number(self, frame: int) -> int:
        """The segment that contains ``frame``."""
        return frame // self.grid + bisect_right(self._off_grid, frame)

    def is_lossless(self, number: int) -> bool:
        """Whether the frames of segment ``number`` are mixed into transitions, or encoded again, later."""
        first = self.first(number)
        return self.all_lossless or first < self.head or (self.tail is not None and first >= self.tail)

    def name(self, number: int) -> str:
        """File name of segment ``number``; it depends on the frames before it only through the grid."""
        place, offset = divmod(self.first(number), self.grid)
        suffix = self.lossless_suffix if self.is_lossless(number) else self.suffix
        return f"{place:05}{f'-{offset}' if offset else ''}{suffix}"

    @cached_property
    def _off_grid(self) -> list[int]:
        """The cuts between two places of the grid."""
        return sorted({cut for cut in (self.head, self.tail, *self.cuts) if cut is not None and cut % self.grid})
