"""A number that may change in time: a constant, keyframes or an expression."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from zlib import crc32

from pipeline.errors import ConfigError
from pipeline.score.expression import parse_expression
from pipeline.score.keyframes import parse_keyframes
from pipeline.timing.signals import Signals
from pipeline.timing.timecode import show_time

MAX_CHECKED_FRAMES = 1_000_000
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|[+-]?(inf|nan)", re.IGNORECASE)


@dataclass(frozen=True)
class Curve:
    """One setting as a function of seconds, from ``low`` to ``high`` if given. ``text`` is what the user wrote."""

    key: str
    value: Callable[[float], float]
    low: float | None = None
    high: float | None = None
    text: str = ""

    def at(self, t: float) -> float:
        """The value at ``t`` seconds. Raises ConfigError naming the time if it leaves its range."""
        value = self.value(t)
        if not -1e300 < value < 1e300:  # also for nan
            raise ConfigError(self.key, self.text or f"{value:g}", f"not finite at {show_time(t)}")
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            allowed = f"{self._range()}, but is {value:g} at {show_time(t)}"
            raise ConfigError(self.key, self.text or f"{value:g}", allowed)
        return value

    def check(self, *, fps: Fraction, duration: float) -> None:
        """Evaluate every frame of ``duration`` seconds, or evenly spaced ones of a very long shot."""
        frames = max(1, round(duration * fps))
        stride = max(1, frames // MAX_CHECKED_FRAMES)
        for frame in [*range(0, frames, stride), frames - 1]:
            self.at(float(frame / fps))

    def _range(self) -> str:
        if self.low is None:
            return f"has to be at most {self.high:g}"
        if self.high is None:
            return f"has to be at least {self.low:g}"
        return f"has to lie between {self.low:g} and {self.high:g}"


@dataclass(frozen=True)
class _Constant:
    number: float

    def __call__(self, t: float) -> float:
        return self.number


def parse_curve(
    value: str | float,
    *,
    key: str,
    fps: Fraction,
    duration: float | None,
    seed: int = 0,
    limits: tuple[float | None, float | None] = (None, None),
    signals: Signals | None = None,
) -> Curve:
    """The curve that ``value`` describes: a text with a colon is keyframes, any other an expression.

    With a ``duration`` in seconds every frame is evaluated here, so that a shot does not fail midway. ``seed`` and
    ``key`` choose the noise. ``signals`` are the names of the music, and the beats that times may count in.
    Raises ConfigError naming ``key``.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ConfigError(key, value, "write a number, keyframes or an expression in t")
    text = str(value).strip()
    if _NUMBER.fullmatch(text):
        constant = Curve(key, _Constant(float(text)), *limits, text)
        constant.at(0.0)
        return constant
    noise_seed = seed * 0x9E3779B97F4A7C15 + crc32(key.encode())
    parse: Callable[..., Callable[[float], float]] = parse_keyframes if ":" in text else parse_expression
    function = parse(text, key=key, fps=fps, duration=duration, seed=noise_seed, signals=signals)
    curve = Curve(key, function, *limits, text)
    if duration is None:
        curve.at(0.0)
    else:
        curve.check(fps=fps, duration=duration)
    return curve
