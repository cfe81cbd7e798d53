"""How often what is seen changes, and how long each change takes: by the clock or by the beat."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from pipeline.errors import ConfigError
from pipeline.timing.beat_grid import Grid
from pipeline.timing.timecode import parse_beats, parse_time, show_time

Span = Callable[[float], float]
"""The second at which a stretch of time ends → how many seconds it lasts."""


class Pace(Protocol):
    """Turn number n begins at second ``begins(n)``, n being any whole number; its fade has just ended then."""

    def number(self, t: float) -> int:
        """The turn in which the second ``t`` lies."""

    def begins(self, number: int) -> float:
        """The second at which a turn begins."""

    def fade(self, number: int) -> float:
        """Seconds of the fade into a turn, which ends where the turn begins."""


@dataclass(frozen=True)
class Even:
    """Turns of ``hold`` seconds, from second 0 on."""

    hold: float
    span: Span

    def number(self, t: float) -> int:
        """The turn in which the second ``t`` lies."""
        return math.floor(t / self.hold)

    def begins(self, number: int) -> float:
        """The second at which a turn begins."""
        return number * self.hold

    def fade(self, number: int) -> float:
        """Seconds of the fade into a turn."""
        return min(self.hold, self.span(self.begins(number)))


@dataclass(frozen=True)
class Beaten:
    """Turns of ``every`` beats of the ``grid``, from beat 0 on; what is before belongs to turn 0."""

    grid: Grid
    every: float
    span: Span

    def number(self, t: float) -> int:
        """The turn in which the second ``t`` lies."""
        return max(0, self.grid.number(t, self.every))

    def begins(self, number: int) -> float:
        """The second at which a turn begins."""
        return self.grid.time(number * self.every)

    def fade(self, number: int) -> float:
        """Seconds of the fade into a turn."""
        end = self.begins(number)
        return min(end - self.begins(number - 1), self.span(end))


def parse_pace(
    hold: str | float,
    fade: str | float,
    *,
    fps: Fraction,
    duration: float,
    grid: Grid | None,
    key: str = "score.hold",
) -> Pace:
    """The pace that the setting ``key`` and ``score.fade`` describe: ``hold=2s``, or ``hold=4b`` with a ``grid``.

    Raises ConfigError naming the setting.
    """
    span = parse_span(fade, key="score.fade", fps=fps, duration=duration, grid=grid)
    beats = parse_beats(hold, key=key, beats_per_bar=grid.beats_per_bar) if grid else None
    if grid is None or beats is None:
        return Even(parse_time(hold, fps=fps, key=key, duration=duration), span)
    return Beaten(grid, beats, span)


def parse_span(text: str | float, *, key: str, fps: Fraction, duration: float, grid: Grid | None) -> Span:
    """The length that ``text`` describes: seconds, or with a ``grid`` beats, which last as long as they do there.

    Raises ConfigError naming ``key``.
    """
    beats = parse_beats(text, key=key, beats_per_bar=grid.beats_per_bar) if grid else None
    if grid is None or beats is None:
        seconds = parse_time(text, fps=fps, key=key, duration=duration)
        return lambda end: seconds
    return lambda end: end - grid.time(grid.beat(end) - beats)


def check_pace(pace: Pace, key: str = "score.hold") -> None:
    """Raises ConfigError unless a turn lasts at least a millisecond and its fade no longer than it."""
    lasts = pace.begins(1) - pace.begins(0)
    if not (math.isfinite(lasts) and lasts >= 0.001):
        raise ConfigError(key, f"{lasts:g}s", "each sight has to be held for at least 1ms")
    fade = pace.span(pace.begins(1)) if isinstance(pace, Even | Beaten) else pace.fade(1)
    if fade > lasts * (1 + 1e-9):
        allowed = f"the fade is part of the hold: from 0s to {key}={show_time(lasts)}"
        raise ConfigError("score.fade", show_time(fade), allowed)
