"""Changes targets by itself, one after another, until somebody chooses; its tempo can be tapped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from pipeline.score.schedule import Constant, Schedule, Turns
from pipeline.score.target_weights import TimedWeights

BEATS = 4  # of a tapped tempo, from one entry to the next
MAX_BEAT_SECONDS = 2.5  # a longer pause begins to count anew
MAX_TAPS = 8


@dataclass
class Autoplay:
    """Entry ``number`` plays until its fade starts at second ``due``; ``fade`` seconds are part of the ``hold``."""

    entry: Callable[[int], TimedWeights]
    hold: float
    fade: float
    is_on: bool = True
    number: int = 0
    due: float = 0.0
    bpm: float | None = None
    _taps: list[float] = field(default_factory=list)

    def start(self, t: float) -> None:
        """Play from second ``t`` on; the entry that plays has a whole hold."""
        self.due = t + self.hold - self.fade

    def next(self, t: float) -> TimedWeights:
        """The next entry, whose fade starts at ``t``; where that was due, the one after it keeps the pace."""
        self.number += 1
        self.due = self.hold + (self.due if 0 <= t - self.due < self.hold / 2 else t)
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
        self.is_on, self.due = True, t + self.hold - self.fade


def autoplay(schedule: Schedule, hold: float, fade: float) -> Autoplay:
    """Changes targets as ``schedule`` does, evenly; ``hold`` and ``fade`` (seconds) are for one without a pace."""
    if isinstance(schedule, Turns):
        hold, fade = schedule.hold.start(1) - schedule.hold.start(0), schedule.hold.fade(1)
        return Autoplay(schedule.entry, hold, fade)
    entries: Sequence[TimedWeights] = schedule.entries()
    return Autoplay(lambda number: entries[number % len(entries)], hold, fade, not isinstance(schedule, Constant))
