"""Changes targets by itself, one after another, until somebody chooses; its tempo can be tapped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from pipeline.score.hold import BeatHold
from pipeline.score.schedule import Constant, Schedule, Turns
from pipeline.score.target_weights import TimedWeights
from pipeline.timing.beat_grid import Grid

BEATS = 4  # of a tapped tempo, from one entry to the next
MAX_BEAT_SECONDS = 2.5  # a longer pause starts a new count
MAX_TAPS = 8
MIN_HOLD_SECONDS = 0.05


@dataclass
class Autoplay:
    """Entry ``number`` plays until its fade starts at second ``due``; ``fade`` seconds are part of the ``hold``.

    ``snap`` gives the moment nearest to one at which an entry may begin, such as a beat of the song.
    """

    entry: Callable[[int], TimedWeights]
    hold: float
    fade: float
    is_on: bool = True
    number: int = 0
    due: float = 0.0
    bpm: float | None = None
    snap: Callable[[float], float] = lambda end: end
    _taps: list[float] = field(default_factory=list)

    def start(self, t: float) -> None:
        """Play from second ``t`` on; the entry that plays has a whole hold."""
        self.due = self._end(t + self.hold, t)

    def next(self, t: float) -> TimedWeights:
        """The next entry, whose fade starts at ``t``; where that was due, the one after it keeps the pace."""
        self.number += 1
        start = self.due if 0 <= t - self.due < self.hold / 2 else t
        self.due = self._end(start + self.fade + self.hold, t)
        return self.entry(self.number)

    def tap(self, seconds: float, t: float) -> None:
        """A beat at ``seconds`` of any clock, ``t`` of the dream's; from the second one on they are the tempo."""
        if self._taps and seconds - self._taps[-1] > MAX_BEAT_SECONDS:
            self._taps.clear()
        self._taps = [*self._taps, seconds][-MAX_TAPS:]
        if len(self._taps) < 2:
            return
        beat = max(0.1, median(b - a for a, b in zip(self._taps, self._taps[1:], strict=False)))
        self.bpm, self.hold = 60 / beat, BEATS * beat
        self.fade = min(self.fade, self.hold / 2)
        self.is_on, self.due, self.snap = True, t + self.hold - self.fade, lambda end: end

    def _end(self, end: float, t: float) -> float:
        """When the fade starts that ends near second ``end``; later than ``t``."""
        return max(self.snap(end) - self.fade, t + MIN_HOLD_SECONDS)


def autoplay(schedule: Schedule, hold: float, fade: float, grid: Callable[[], Grid]) -> Autoplay:
    """Changes targets as ``schedule`` does, evenly, or on beats of the ``grid`` where it counts beats.

    ``hold`` and ``fade`` (seconds) are for a schedule that has none.
    """
    if isinstance(schedule, Turns):
        hold, fade = schedule.hold.start(1) - schedule.hold.start(0), schedule.hold.fade(1)
        played = Autoplay(schedule.entry, hold, fade)
        if isinstance(schedule.hold, BeatHold):
            beats = schedule.hold.beats
            played.snap = lambda end: grid().time(beats * round(grid().beat(end) / beats))
        return played
    entries: Sequence[TimedWeights] = schedule.entries()
    return Autoplay(lambda number: entries[number % len(entries)], hold, fade, not isinstance(schedule, Constant))
