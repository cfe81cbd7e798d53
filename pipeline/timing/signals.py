"""What a score can hear: numbers in 0..1 that follow the music, and counts of its beats, as functions of seconds.

``beat``, ``bar`` and ``onset`` are pulses: 1 where something begins. They rise straight within ``attack`` seconds
before it, so that they are there on time, and fall after it, to a third within ``release`` seconds. ``bass``, ``mid``,
``treble`` and ``loud`` are levels, followed with ``attack`` where they rise and ``release`` where they fall (the time
constants of a one-pole filter each way).
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pipeline.timing.beat_grid import EARLY, Grid

Signal = Callable[[float], float]
"""Seconds → value; a pure function."""

BRIEFEST = 1e-3  # seconds that a release lasts at least
BANDS = ("bass", "mid", "treble")
LEVELS = (*BANDS, "loud")
ONSETS = ("onset", *(f"onset_{band}" for band in BANDS))
SMOOTH = ("beat", "bar", *ONSETS, *LEVELS)
"""The names that take an attack and a release: ``bass(0.02, 0.3)``."""
COUNTS = ("beats", "bars", "section")
NAMES = (*SMOOTH, *COUNTS)


@dataclass(frozen=True)
class Heard:
    """What a song brings, in seconds of the film: ``levels`` by name, ``rate`` of them a second, the first at
    ``start``; ``onsets`` by name as (seconds, strengths); ``sections`` are the seconds at which they begin, the first
    at 0 or before.
    """

    levels: Mapping[str, NDArray[np.float32]]
    rate: float
    start: float
    onsets: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    sections: Sequence[float]


@dataclass(frozen=True)
class Signals:
    """The signals over a ``grid``. Without a song a metronome stands in: bass and loudness pulse with every beat, the
    middle with every second one, treble with every half.

    ``attack`` and ``release`` (seconds) are those of a name without its own.
    """

    grid: Grid
    attack: float
    release: float
    heard: Heard | None = None
    _made: dict[tuple[str, float, float], Signal] = field(default_factory=dict, repr=False, compare=False)

    def find(self, name: str, attack: float | None = None, release: float | None = None) -> Signal:
        """The signal ``name``, one of ``NAMES``."""
        up = self.attack if attack is None else attack
        down = max(BRIEFEST, self.release if release is None else release)
        key = (name, up, down)
        if key not in self._made:
            self._made[key] = self._count(name) if name in COUNTS else self._smooth(name, up, down)
        return self._made[key]

    def since(self, second: float, blur: float) -> "Signals":
        """The same signals on the clock of a shot that begins at ``second``: its beats and bars are counted from its
        first bar, sections as before.

        ``blur`` is by how many seconds the shot may begin beside what it was cut to, since it begins with a frame.
        """
        grid, heard = self.grid.since(second, max(EARLY, blur)), self.heard
        if heard is not None:
            onsets = {name: ([at - second for at in times], high) for name, (times, high) in heard.onsets.items()}
            sections = [0.0 if abs(at - second) <= blur else at - second for at in heard.sections]
            heard = replace(heard, start=heard.start - second, onsets=onsets, sections=sections)
        return Signals(grid, self.attack, self.release, heard)

    def _count(self, name: str) -> Signal:
        if name == "section":
            starts = list(self.heard.sections) if self.heard is not None else [0.0]
            return lambda t: float(max(0, bisect_right(starts, t) - 1))
        share = 1.0 if name == "beats" else 1.0 / self.grid.beats_per_bar
        return lambda t: self.grid.beat(t) * share

    def _smooth(self, name: str, attack: float, release: float) -> Signal:
        every, phase = _METRONOME.get(name, (1.0, 0.0))
        if name == "bar":
            every = float(self.grid.beats_per_bar)
        if name in ("beat", "bar") or self.heard is None:
            return partial(_on_grid, self.grid, every, phase, attack, release)
        if name in ONSETS:
            return Pulses(*self.heard.onsets[name], attack, release)
        return _Level(_follow(self.heard.levels[name], self.heard.rate, attack, release), self.heard)


# Beats from one stroke to the next, and beats before the first.
_METRONOME = {"mid": (2.0, 1.0), "onset_mid": (2.0, 1.0), "treble": (0.5, 0.0), "onset_treble": (0.5, 0.0)}


def _on_grid(grid: Grid, every: float, phase: float, attack: float, release: float, t: float) -> float:
    number = math.floor((grid.beat(t) - phase) / every + 1e-9)
    last, coming = (grid.time(phase + n * every) for n in (number, number + 1))
    return max(_fall(t - last, release), _rise(coming - t, attack))


class Pulses:
    """A pulse at each of ``times``, as high as its strength; the higher of two that overlap."""

    def __init__(self, times: Sequence[float], strengths: Sequence[float], attack: float, release: float) -> None:
        self._times, self._strengths = list(map(float, times)), list(map(float, strengths))
        self._attack, self._release = attack, release
        self._peaks: list[float] = []  # of what is still falling
        for index, strength in enumerate(self._strengths):
            gap = self._times[index] - self._times[index - 1] if index else math.inf
            left = self._peaks[-1] * _fall(gap, release) if index else 0.0
            self._peaks.append(max(strength, left))

    def __call__(self, t: float) -> float:
        """The value at ``t`` seconds."""
        index = bisect_right(self._times, t)
        falling = self._peaks[index - 1] * _fall(t - self._times[index - 1], self._release) if index else 0.0
        if index == len(self._times):
            return falling
        return max(falling, self._strengths[index] * _rise(self._times[index] - t, self._attack))


class _Level:
    """A table between whose entries the value runs straight; beyond its ends there is silence."""

    def __init__(self, table: NDArray[np.float64], heard: Heard) -> None:
        self._table, self._rate, self._start = table, heard.rate, heard.start

    def __call__(self, t: float) -> float:
        place = (t - self._start) * self._rate
        index = math.floor(place)
        if not 0 <= index < len(self._table):
            return 0.0
        here = float(self._table[index])
        after = float(self._table[index + 1]) if index + 1 < len(self._table) else 0.0
        return here + (after - here) * (place - index)


def _follow(levels: NDArray[np.float32], rate: float, attack: float, release: float) -> NDArray[np.float64]:
    """The level, up with ``attack`` and down with ``release`` seconds."""
    up, down = (math.exp(-1 / (rate * time)) if time > 0 else 0.0 for time in (attack, release))
    value, followed = 0.0, []
    for level in levels.tolist():
        kept = up if level > value else down
        value = level + (value - level) * kept
        followed.append(value)
    return np.array(followed, np.float64)


def _fall(since: float, release: float) -> float:
    return math.exp(-max(0.0, since) / release)


def _rise(until: float, attack: float) -> float:
    return 1.0 - until / attack if until < attack else 0.0
