"""How a shot is divided into segments, and what their files are called."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Layout:
    """A segment ends at every ``grid``-th frame, and before the frames ``head``, ``tail`` and ``cuts``.

    What comes before ``head`` and from ``tail`` on goes into other pictures still: those files end in ``kept``, the
    others in ``suffix``.
    """

    grid: int
    suffix: str
    kept: str = ""
    head: int = 0
    tail: int | None = None
    cuts: tuple[int, ...] = ()

    def first(self, number: int) -> int:
        """The first frame of segment ``number``; the shot may be longer than that or not."""
        passed = 0
        for cut in self._cuts:
            place = cut // self.grid + 1 + passed  # the number of the segment that begins there
            if number <= place:
                return cut if number == place else (number - passed) * self.grid
            passed += 1
        return (number - passed) * self.grid

    def length(self, number: int, frames: int) -> int:
        """How many frames segment ``number`` has in a shot of ``frames`` frames."""
        return min(self.first(number + 1), frames) - self.first(number)

    def count(self, frames: int) -> int:
        """How many segments a shot of ``frames`` frames has."""
        return -(-frames // self.grid) + sum(cut < frames for cut in self._cuts)

    def number(self, frame: int) -> int:
        """The segment that frame ``frame`` is in."""
        return frame // self.grid + bisect_right(self._cuts, frame)

    def is_kept(self, number: int) -> bool:
        """Whether the frames of segment ``number`` go into other pictures."""
        first = self.first(number)
        return first < self.head or (self.tail is not None and first >= self.tail)

    def name(self, number: int) -> str:
        """The file of segment ``number``: of frames between two places of the grid, wherever else cuts are."""
        place, offset = divmod(self.first(number), self.grid)
        return f"{place:05}{f'-{offset}' if offset else ''}{self.kept if self.is_kept(number) else self.suffix}"

    @cached_property
    def _cuts(self) -> list[int]:
        """Where a segment ends that the grid does not end anyhow."""
        return sorted({cut for cut in (self.head, self.tail, *self.cuts) if cut is not None and cut % self.grid})
