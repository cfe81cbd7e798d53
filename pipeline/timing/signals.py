"""Signals of the music for a score: numbers in 0..1 and counts of beats, as functions of seconds.

``beat``, ``bar`` and ``onset`` are pulses: 1 where something starts, after a linear rise of ``attack`` seconds, then an
exponential decay to 1/e in ``release`` seconds. ``bass``, ``mid``, ``treble`` and ``loud`` are levels, followed by a
one-pole filter with ``attack`` and ``release`` as its time constants up and down.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pipeline.timing.beat_grid import MAX_EARLY_SECONDS, Grid

Signal = Callable[[float], float]
"""Seconds → value; a pure function."""

MIN_RELEASE_SECONDS = 1e-3
BANDS = ("bass", "mid", "treble")
LEVELS = (*BANDS, "loud")
ONSETS = ("onset", *(f"onset_{band}" for band in BANDS))
SMOOTH = ("beat", "bar", *ONSETS, *LEVELS)
"""Names that take an attack and a release: ``bass(0.02, 0.3)``."""
COUNTS = ("beats", "bars", "section")
NAMES = (*SMOOTH, *COUNTS)
# Without a song: beats from one pulse to the next, and beats before the first; every beat unless listed.
_METRONOME = {"mid": (2.0, 1.0), "onset_mid": (2.0, 1.0), "treble": (0.5, 0.0), "onset_treble": (0.5, 0.0)}


@dataclass(frozen=True)
class SongSignals:
    """What the analysis of a song gives, in seconds of the film.

    ``levels`` by name have ``rate`` values per second, the first at ``start``; ``onsets`` by name are (seconds,
    strengths); ``sections`` are the seconds at which they start, the first at 0 or before.
    """

    levels: Mapping[str, NDArray[np.float32]]  # those of stems as well, as are their onsets
    rate: float
    start: float
    onsets: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    sections: Sequence[float]


@dataclass(frozen=True)
class Signals:
    """The signals over a ``grid``, with default ``attack`` and ``release`` in seconds.

    Without a ``song`` a metronome replaces it: bass and loudness pulse on every beat, the mid band on every second one,
    treble on every half. ``assumed``: nobody gave a tempo; lengths may count its beats, expressions
    may not follow it.
    """

    grid: Grid
    attack: float
    release: float
    song: SongSignals | None = None
    assumed: bool = False
    _cache: dict[tuple[str, float, float], Signal] = field(default_factory=dict, repr=False, compare=False)

    @property
    def smooth(self) -> tuple[str, ...]:
        """Names that take an attack and a release: ``SMOOTH``, and those of stems."""
        stems = (*self.song.levels, *self.song.onsets) if self.song else ()
        return tuple(dict.fromkeys((*SMOOTH, *stems)))

    @property
    def names(self) -> tuple[str, ...]:
        """All names."""
        return (*self.smooth, *COUNTS)

    def used(self) -> list[tuple[str, float, float]]:
        """(name, attack, release) of the signals that ``signal`` has returned."""
        return [key for key in self._cache if key[0] not in COUNTS]

    def signal(self, name: str, attack: float | None = None, release: float | None = None) -> Signal:
        """The signal ``name``, one of ``names``."""
        up = self.attack if attack is None else attack
        down = max(MIN_RELEASE_SECONDS, self.release if release is None else release)
        key = (name, up, down)
        if key not in self._cache:
            self._cache[key] = self._count(name) if name in COUNTS else self._smooth(name, up, down)
        return self._cache[key]

    def since(self, second: float, tolerance: float) -> "Signals":
        """The same signals with second 0 at ``second``, for a shot: beats count from its first bar, sections go on.

        ``tolerance``: seconds by which the shot may miss a beat or a section because it starts with a whole frame.
        """
        grid, song = self.grid.since(second, max(MAX_EARLY_SECONDS, tolerance)), self.song
        if song is not None:
            onsets = {name: ([at - second for at in times], high) for name, (times, high) in song.onsets.items()}
            sections = [0.0 if abs(at - second) <= tolerance else at - second for at in song.sections]
            song = replace(song, start=song.start - second, onsets=onsets, sections=sections)
        return Signals(grid, self.attack, self.release, song, self.assumed)

    def _count(self, name: str) -> Signal:
        if name == "section":
            starts = list(self.song.sections) if self.song is not None else [0.0]
            return lambda t: float(max(0, bisect_right(starts, t) - 1))
        factor = 1.0 if name == "beats" else 1.0 / self.grid.beats_per_bar
        return lambda t: self.grid.beat(t) * factor

    def _smooth(self, name: str, attack: float, release: float) -> Signal:
        beats, phase = _METRONOME.get(name, (1.0, 0.0))
        if name == "bar":
            beats = float(self.grid.beats_per_bar)
        if name in ("beat", "bar") or self.song is None or (name in ONSETS and name not in self.song.onsets):
            return partial(_grid_pulse, self.grid, beats, phase, attack, release)
        if name in self.song.onsets:
            return Pulses(*self.song.onsets[name], attack, release)
        levels = _follow_envelope(self.song.levels[name], self.song.rate, attack, release)
        return partial(_interpolate, levels, self.song.rate, self.song.start)


class Pulses:
    """A pulse at each of ``times``, as high as its strength; the higher one where two overlap."""

    def __init__(self, times: Sequence[float], strengths: Sequence[float], attack: float, release: float) -> None:
        self._times, self._strengths = list(map(float, times)), list(map(float, strengths))
        self._attack, self._release = attack, release
        self._peaks: list[float] = []  # including the decay of earlier pulses
        for index, strength in enumerate(self._strengths):
            gap = self._times[index] - self._times[index - 1] if index else math.inf
            earlier = self._peaks[-1] * _decay(gap, release) if index else 0.0
            self._peaks.append(max(strength, earlier))

    def __call__(self, t: float) -> float:
        """The value at ``t`` seconds."""
        index = bisect_right(self._times, t)
        falling = self._peaks[index - 1] * _decay(t - self._times[index - 1], self._release) if index else 0.0
        if index == len(self._times):
            return falling
        return max(falling, self._strengths[index] * _rise(self._times[index] - t, self._attack))


def _grid_pulse(grid: Grid, beats: float, phase: float, attack: float, release: float, t: float) -> float:
    number = math.floor((grid.beat(t) - phase) / beats + 1e-9)
    last, following = (grid.time(phase + n * beats) for n in (number, number + 1))
    return max(_decay(t - last, release), _rise(following - t, attack))


def _interpolate(levels: NDArray[np.float64], rate: float, start: float, t: float) -> float:
    """The level at ``t`` seconds, linear between values, 0 outside the song."""
    position = (t - start) * rate
    index = math.floor(position)
    if not 0 <= index < len(levels):
        return 0.0
    here = float(levels[index])
    after = float(levels[index + 1]) if index + 1 < len(levels) else 0.0
    return here + (after - here) * (position - index)


def _follow_envelope(levels: NDArray[np.float32], rate: float, attack: float, release: float) -> NDArray[np.float64]:
    """The level through a one-pole filter with time constants ``attack`` (up) and ``release`` (down)."""
    up, down = (math.exp(-1 / (rate * time)) if time > 0 else 0.0 for time in (attack, release))
    value, envelope = 0.0, []
    for level in levels.tolist():
        value = level + (value - level) * (up if level > value else down)
        envelope.append(value)
    return np.array(envelope, np.float64)


def _decay(seconds: float, release: float) -> float:
    return math.exp(-max(0.0, seconds) / release)


def _rise(seconds: float, attack: float) -> float:
    return 1.0 - seconds / attack if seconds < attack else 0.0
