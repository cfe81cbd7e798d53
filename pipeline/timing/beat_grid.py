"""The grid of beats and bars that a film moves on: which beat is at which second, and back."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

NEAR = 1e-6
"""Beats by which a moment may miss a beat and still be on it: rounding, not hearing."""
EARLY = 0.05
"""Seconds by which a bar may begin before the film, or before a shot of it, and be its first: nobody hears that."""
_EDGE = 8  # beats at either end whose usual distance goes on beyond it


@dataclass(frozen=True)
class Grid:
    """Beat number ``first`` is at ``times[0]`` seconds, the next at ``times[1]`` … (at least two, rising).

    Beat 0 begins a bar, and so does every ``beats_per_bar``-th from it. Between beats time runs evenly; before the
    first and after the last the usual distance there goes on for ever.
    """

    times: Sequence[float]
    first: int
    beats_per_bar: int

    def beat(self, t: float) -> float:
        """How many beats after beat 0 the second ``t`` is; between two beats a fraction."""
        times = self._times
        if t < times[0]:
            return self.first - float(times[0] - t) / self._before
        if t > times[-1]:
            return self.first + len(times) - 1 + float(t - times[-1]) / self._after
        return self.first + float(np.interp(t, times, self._numbers))

    def time(self, beat: float) -> float:
        """The second at which so many beats after beat 0 have passed."""
        number, times = beat - self.first, self._times
        if number < 0:
            return float(times[0]) + number * self._before
        if number > len(times) - 1:
            return float(times[-1]) + (number - (len(times) - 1)) * self._after
        return float(np.interp(number, self._numbers, times))

    def number(self, t: float, every: float = 1.0) -> int:
        """Which of the stretches of ``every`` beats, counted from beat 0, the second ``t`` lies in."""
        return math.floor((self.beat(t) + NEAR) / every)

    @property
    def seconds(self) -> float:
        """How long a beat usually lasts."""
        return float(np.median(np.diff(self._times)))

    def between(self, start: float, end: float) -> list[tuple[int, float]]:
        """(number, second) of every beat from second ``start`` to before ``end``."""
        numbers = range(math.ceil(self.beat(start) - NEAR), math.ceil(self.beat(end) - NEAR))
        return [(number, self.time(number)) for number in numbers]

    def since(self, second: float, early: float = EARLY) -> "Grid":
        """The same beats on the clock of what begins at ``second``; beat 0 is the first beginning of a bar from there
        on, or up to ``early`` seconds before.
        """
        zero = self.beats_per_bar * math.ceil((self.beat(second - early) - NEAR) / self.beats_per_bar)
        return Grid([time - second for time in self.times], self.first - zero, self.beats_per_bar)

    @cached_property
    def _times(self) -> NDArray[np.float64]:
        return np.asarray(self.times, np.float64)

    @cached_property
    def _numbers(self) -> NDArray[np.float64]:
        return np.arange(len(self.times), dtype=np.float64)

    @cached_property
    def _before(self) -> float:
        return float(np.median(np.diff(self._times[: _EDGE + 1])))

    @cached_property
    def _after(self) -> float:
        return float(np.median(np.diff(self._times[-_EDGE - 1 :])))


def even(bpm: float, beats_per_bar: int, offset: float = 0.0) -> Grid:
    """A grid of exactly ``bpm`` beats per minute, a bar of which begins at second ``offset``; beat 0 is the first
    beginning of a bar from second 0 on, or up to ``EARLY`` seconds before.
    """
    step = 60.0 / bpm
    bar = step * beats_per_bar
    start = offset - bar * math.floor((offset + EARLY) / bar)
    return Grid((start, start + step), 0, beats_per_bar)
