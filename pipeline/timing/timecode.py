"""How users write time: ``8s``, ``96f``, ``1m30s``, ``500ms``, ``25%``, ``4b``, ``2bar``. Inside, seconds."""

import math
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from pipeline.errors import ConfigError
from pipeline.timing.beat_grid import Grid

LONGEST = 864_000
"""Ten days, in seconds: a longer time is a slip of the hand."""

_FORMS = "write a time such as 8s, 500ms, 1m30s, 96f (frames), 25% (of the duration), 4b (beats), 2bar or plain seconds"
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z%]+)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+(?:\.\d*)?|\.\d+)(e[+-]?\d{1,3})?", re.IGNORECASE)

# One line per unit: the seconds that one of it lasts, given the frame rate and the duration.
_UNITS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "h": lambda fps, duration: Fraction(3600),
    "m": lambda fps, duration: Fraction(60),
    "s": lambda fps, duration: Fraction(1),
    "ms": lambda fps, duration: Fraction(1, 1000),
    "f": lambda fps, duration: 1 / fps,
    "%": lambda fps, duration: duration / 100,
}
_MUSICAL = ("b", "bar")
"""Units that a grid turns into seconds."""


def parse_time(
    text: str | float,
    *,
    fps: Fraction,
    key: str,
    duration: float | None = None,
    grid: Grid | None = None,
    lasting: bool = False,
) -> float:
    """Seconds meant by ``text``: a plain number of seconds or parts with units, each unit once.

    ``fps`` is frames per second, ``duration`` the seconds that ``%`` is a share of. With a ``grid``, ``4b`` is where
    its beat 4 is and ``2bar`` where its bar 2 begins, both counted from 0; ``lasting``, how long they last from second
    0 on, wherever bars begin. Never negative. Raises ConfigError naming ``key``.
    """
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise ConfigError(key, text, _FORMS)
    written = str(text).strip()
    if len(written) > 64:
        raise ConfigError(key, written[:32] + "…", _FORMS)
    if _NUMBER.fullmatch(written):
        seconds = Fraction(written)
    else:
        seconds = _sum_of_parts(written, fps, key, duration, grid, lasting)
    if not 0 <= seconds <= LONGEST:
        raise ConfigError(key, text, f"a time lies between 0s and {LONGEST}s")
    return float(seconds)


def parse_beats(text: object, *, key: str, beats_per_bar: int) -> float | None:
    """The beats meant by ``text`` where it counts in ``b`` and ``bar`` alone; None for every other time.

    Raises ConfigError naming ``key`` where beats and seconds are mixed.
    """
    parts = _parts(str(text).strip(), key) if isinstance(text, str) and re.search(r"\db|\d\s+b", text.lower()) else []
    beats = [Fraction(n) * (beats_per_bar if unit == "bar" else 1) for n, unit in parts if unit in _MUSICAL]
    if not beats:
        return None
    if len(beats) < len(parts):
        raise ConfigError(key, text, "a length is written in beats and bars or in seconds, not in both")
    return float(sum(beats))


def _sum_of_parts(
    written: str, fps: Fraction, key: str, duration: float | None, grid: Grid | None, lasting: bool
) -> Fraction:
    parts = _parts(written, key)
    units = [unit for _, unit in parts]
    if "%" in units and duration is None:
        raise ConfigError(key, written, "a percentage needs a known duration; write seconds")
    whole = Fraction(duration or 0.0)
    total = sum((Fraction(n) * _UNITS[u](fps, whole) for n, u in parts if u not in _MUSICAL), Fraction())
    if not set(_MUSICAL) & set(units):
        return total
    if grid is None:
        raise ConfigError(key, written, "there are no beats to count here; write seconds")
    beats = sum(Fraction(n) * (grid.beats_per_bar if u == "bar" else 1) for n, u in parts if u in _MUSICAL)
    return total + Fraction(grid.time(float(beats) + (grid.beat(0.0) if lasting else 0.0)))


def _parts(written: str, key: str) -> list[tuple[str, str]]:
    """(number, unit) for each part of a time."""
    parts = [(number, unit.lower()) for number, unit in _PART.findall(written)]
    if not parts or _PART.sub("", written).strip():
        raise ConfigError(key, written, _FORMS)
    units = [unit for _, unit in parts]
    known = (*_UNITS, *_MUSICAL)
    unknown = [unit for unit in units if unit not in known]
    if unknown:
        raise ConfigError(key, written, f"{unknown[0]!r} is no unit of time; the units are {', '.join(known)}")
    if len(set(units)) < len(units):
        raise ConfigError(key, written, "each unit of time may stand once")
    return parts


def format_time(seconds: float) -> str:
    """``seconds`` as ``1m30.5s``; parse_time reads the very same float back, from 1e-9 up."""
    if not math.isfinite(seconds):
        return f"{seconds}s"
    exact = Decimal(repr(abs(float(seconds))))
    minutes = int(exact // 60)
    rest = exact - 60 * minutes
    shown = f"{rest:f}"
    if "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    sign = "-" if seconds < 0 else ""
    if not minutes:
        return f"{sign}{shown}s"
    return f"{sign}{minutes}m" + (f"{shown}s" if rest else "")


def show_time(seconds: float) -> str:
    """``seconds`` to the millisecond, for messages."""
    return format_time(round(seconds, 3))


def parse_fps(value: str | float, key: str) -> Fraction:
    """Frames per second as an exact fraction: 24, 29.97 (read as 30000/1001), ``"30000/1001"``.

    Decimals within 0.005 of a broadcast rate (24, 30, 48, 60 or 120 × 1000/1001) mean that rate.
    Raises ConfigError outside 1…240.
    """
    allowed = "frames per second from 1 to 240, such as 24, 29.97 or 30000/1001"
    written = str(value).strip()
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{0,9})?)(?:/(\d{1,9}))?", written)
    if isinstance(value, bool) or match is None or (match[2] is not None and int(match[2]) == 0):
        raise ConfigError(key, value, allowed)
    rate = Fraction(match[1]) / int(match[2] or 1)
    if match[2] is None:
        rate = _broadcast_rate(rate)
    if not 1 <= rate <= 240:
        raise ConfigError(key, value, allowed)
    return rate.limit_denominator(100_000)


def _broadcast_rate(rate: Fraction) -> Fraction:
    for nominal in (24, 30, 48, 60, 120):
        exact = Fraction(nominal * 1000, 1001)
        if rate.denominator > 1 and abs(rate - exact) < Fraction(5, 1000):
            return exact
    return rate
