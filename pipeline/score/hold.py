"""How long targets are held and how long they fade, in seconds or in beats."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from pipeline.errors import ConfigError
from pipeline.timing.beat_grid import Grid
from pipeline.timing.timecode import parse_beats, parse_time, show_time

MIN_HOLD_SECONDS = 0.001

Length = Callable[[float], float]
"""The second at which a length of time ends → how many seconds it lasts; beats are not all equally long."""


class Hold(Protocol):
    """Turn number n, any whole number, starts at second ``start(n)``; the fade into it ends there."""

    def number(self, t: float) -> int:
        """The turn at second ``t``."""

    def start(self, number: int) -> float:
        """The second at which a turn starts."""

    def fade(self, number: int) -> float:
        """Seconds of the fade into a turn."""


@dataclass(frozen=True)
class EvenHold:
    """Turns of ``seconds``, from second 0 on."""

    seconds: float
    fade_length: Length

    def number(self, t: float) -> int:
        return math.floor(t / self.seconds)

    def start(self, number: int) -> float:
        return number * self.seconds

    def fade(self, number: int) -> float:
        return min(self.seconds, self.fade_length(self.start(number)))


@dataclass(frozen=True)
class BeatHold:
    """Turns of ``beats`` beats, from beat 0 on; what comes before belongs to turn 0."""

    grid: Grid
    beats: float
    fade_length: Length

    def number(self, t: float) -> int:
        return max(0, self.grid.number(t, self.beats))

    def start(self, number: int) -> float:
        return self.grid.time(number * self.beats)

    def fade(self, number: int) -> float:
        end = self.start(number)
        return min(end - self.start(number - 1), self.fade_length(end))


def parse_hold(
    hold: str | float, fade: Length, *, key: str, fps: Fraction, duration: float, grid: Grid | None
) -> EvenHold | BeatHold:
    """The hold ``2s``, or with a ``grid`` ``4b``. Raises ConfigError naming ``key`` or ``score.fade``."""
    beats = parse_beats(hold, key=key, beats_per_bar=grid.beats_per_bar) if grid else None
    turns: EvenHold | BeatHold
    if grid is None or beats is None:
        turns = EvenHold(parse_time(hold, fps=fps, key=key, duration=duration), fade)
    else:
        turns = BeatHold(grid, beats, fade)
    seconds = turns.start(1) - turns.start(0)
    if not (math.isfinite(seconds) and seconds >= MIN_HOLD_SECONDS):
        raise ConfigError(key, f"{seconds:g}s", "hold each target for at least 1ms")
    fade_seconds = fade(turns.start(1))
    if fade_seconds > seconds * (1 + 1e-9):
        allowed = f"the fade is part of the hold: from 0s to {key}={show_time(seconds)}"
        raise ConfigError("score.fade", show_time(fade_seconds), allowed)
    return turns


def parse_length(text: str | float, *, key: str, fps: Fraction, duration: float, grid: Grid | None) -> Length:
    """A length in seconds, or with a ``grid`` in beats, as long as these are there. Raises ConfigError."""
    beats = parse_beats(text, key=key, beats_per_bar=grid.beats_per_bar) if grid else None
    if grid is None or beats is None:
        seconds = parse_time(text, fps=fps, key=key, duration=duration)
        return lambda end: seconds
    return lambda end: end - grid.time(grid.beat(end) - beats)
