"""The grid of beats and bars: beat number → second, and back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

BEAT_TOLERANCE = 1e-6  # beats of rounding error by which a moment is still on a beat
MAX_EARLY_SECONDS = 0.05  # by which a bar may start before the film, inaudibly, and still be its first
EDGE_BEATS = 8  # at either end, whose median distance continues beyond it


@dataclass(frozen=True)
class Grid:
    """Beat number ``first`` is at ``times[0]`` seconds, the next at ``times[1]`` … (at least two, rising).

    Beat 0 starts a bar, and so does every ``beats_per_bar``-th beat. Linear between beats; beyond both ends the median
    distance there continues forever. ``cues`` are named seconds.
    """

    times: Sequence[float]
    first: int
    beats_per_bar: int
    cues: Mapping[str, float] = field(default_factory=dict)

    def beat(self, t: float) -> float:
        """The beat at second ``t``, as a fraction between two beats."""
        times = self._times
        if t < times[0]:
            return self.first - float(times[0] - t) / self._distance_before
        if t > times[-1]:
            return self.first + len(times) - 1 + float(t - times[-1]) / self._distance_after
        return self.first + float(np.interp(t, times, self._numbers))

    def time(self, beat: float) -> float:
        """The second of a beat."""
        number, times = beat - self.first, self._times
        if number < 0:
            return float(times[0]) + number * self._distance_before
        if number > len(times) - 1:
            return float(times[-1]) + (number - (len(times) - 1)) * self._distance_after
        return float(np.interp(number, self._numbers, times))

    def number(self, t: float, beats: float = 1.0) -> int:
        """The group of ``beats`` beats, counted from beat 0, at second ``t``."""
        return math.floor((self.beat(t) + BEAT_TOLERANCE) / beats)

    @property
    def seconds(self) -> float:
        """The median length of a beat."""
        return float(np.median(np.diff(self._times)))

    def between(self, start: float, end: float) -> list[tuple[int, float]]:
        """(number, second) of every beat from second ``start`` to before ``end``."""
        numbers = range(math.ceil(self.beat(start) - BEAT_TOLERANCE), math.ceil(self.beat(end) - BEAT_TOLERANCE))
        return [(number, self.time(number)) for number in numbers]

    def since(self, second: float, early: float = MAX_EARLY_SECONDS) -> "Grid":
        """The same beats with second 0 at ``second``. Beat 0 is the first start of a bar from there on, or up to
        ``early`` seconds before.
        """
        bar = math.ceil((self.beat(second - early) - BEAT_TOLERANCE) / self.beats_per_bar)
        cues = {name: at - second for name, at in self.cues.items()}
        first = self.first - bar * self.beats_per_bar
        return replace(self, times=[time - second for time in self.times], first=first, cues=cues)

    @cached_property
    def _times(self) -> NDArray[np.float64]:
        return np.asarray(self.times, np.float64)

    @cached_property
    def _numbers(self) -> NDArray[np.float64]:
        return np.arange(len(self.times), dtype=np.float64)

    @cached_property
    def _distance_before(self) -> float:
        return float(np.median(np.diff(self._times[: EDGE_BEATS + 1])))

    @cached_property
    def _distance_after(self) -> float:
        return float(np.median(np.diff(self._times[-EDGE_BEATS - 1 :])))


def even_grid(bpm: float, beats_per_bar: int, offset: float = 0.0) -> Grid:
    """A grid of exactly ``bpm`` beats per minute with a start of a bar at second ``offset``.

    Beat 0 is the first start of a bar from second 0 on, or up to ``MAX_EARLY_SECONDS`` before.
    """
    step = 60.0 / bpm
    bar = step * beats_per_bar
    start = offset - bar * math.floor((offset + MAX_EARLY_SECONDS) / bar)
    return Grid((start, start + step), 0, beats_per_bar)
