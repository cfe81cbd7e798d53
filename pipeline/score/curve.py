"""A number that may change in time: a constant, keyframes or an expression."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from zlib import crc32

from pipeline.errors import ConfigError
from pipeline.score.expression import compile_expression
from pipeline.score.keyframes import parse_keyframes
from pipeline.timing.signals import Signals
from pipeline.timing.timecode import show_time

_CHECKS = 1_000_000
"""At most so many moments of a shot are looked at before it starts."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|[+-]?(inf|nan)", re.IGNORECASE)


@dataclass(frozen=True)
class Curve:
    """One setting as a function of time, within ``low`` and ``high`` where these are given.

    ``text`` is what the user wrote, for messages.
    """

    key: str
    value: Callable[[float], float]
    low: float | None = None
    high: float | None = None
    text: str = ""

    def at(self, t: float) -> float:
        """The value at ``t`` seconds. Raises ConfigError naming the time if it leaves its range."""
        value = self.value(t)
        # Written so that nan fails too.
        if not -1e300 < value < 1e300:
            raise ConfigError(self.key, self._source(value), f"not finite at {show_time(t)}")
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            raise ConfigError(
                self.key,
                self._source(value),
                f"{self._range()}, but is {value:g} at {show_time(t)}",
            )
        return value

    def check(self, *, fps: Fraction, duration: float) -> None:
        """Evaluate every frame of ``duration`` seconds (of a very long shot, some of them)."""
        frames = max(1, round(duration * fps))
        stride = max(1, frames // _CHECKS)
        for frame in [*range(0, frames, stride), frames - 1]:
            self.at(float(frame / fps))

    def _source(self, value: float) -> str:
        return self.text or f"{value:g}"

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
    low: float | None = None,
    high: float | None = None,
    signals: Signals | None = None,
) -> Curve:
    """The curve that ``value`` describes; a text with a colon is keyframes, else an expression.

    Both may name the ``signals`` and count in beats where there are some.

    All times are seconds afterwards, so ``fps`` (frames per second) matters only where frames are
    written. With a ``duration`` in seconds every frame of it is evaluated here, so that a shot does
    not fail midway. ``seed`` and ``key`` choose the noise. Raises ConfigError naming ``key``.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ConfigError(key, value, "write a number, keyframes or an expression in t")
    written = str(value).strip()
    if _NUMBER.fullmatch(written):
        constant = Curve(key, _Constant(float(written)), low, high, written)
        constant.at(0.0)
        return constant
    noise_seed = seed * 0x9E3779B97F4A7C15 + crc32(key.encode())
    read: Callable[..., Callable[[float], float]]
    read = parse_keyframes if ":" in written else compile_expression
    function = read(written, key=key, fps=fps, duration=duration, seed=noise_seed, signals=signals)
    curve = Curve(key, function, low, high, written)
    if duration is None:
        curve.at(0.0)
    else:
        curve.check(fps=fps, duration=duration)
    return curve
