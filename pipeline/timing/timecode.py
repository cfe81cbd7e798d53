"""Times as users write them, to seconds: ``8s``, ``96f``, ``1m30s``, ``500ms``, ``25%``, ``4b``, ``2bar``."""

import math
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from pipeline.errors import ConfigError, nearest
from pipeline.timing.beat_grid import Grid

MAX_SECONDS = 864_000  # ten days: more is a typing error
MAX_CHARACTERS = 64

_FORMS = "write a time such as 8s, 500ms, 1m30s, 96f (frames), 25% (of the duration), 4b (beats), 2bar or plain seconds"
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z%]+)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+(?:\.\d*)?|\.\d+)(e[+-]?\d{1,3})?", re.IGNORECASE)

# Unit → seconds, given the frame rate and the duration.
_UNITS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "h": lambda fps, duration: Fraction(3600),
    "m": lambda fps, duration: Fraction(60),
    "s": lambda fps, duration: Fraction(1),
    "ms": lambda fps, duration: Fraction(1, 1000),
    "f": lambda fps, duration: 1 / fps,
    "%": lambda fps, duration: duration / 100,
}
_MUSICAL = ("b", "bar")  # the beat grid turns these into seconds


def parse_time(
    text: str | float,
    *,
    fps: Fraction,
    key: str,
    duration: float | None = None,
    grid: Grid | None = None,
    is_length: bool = False,
) -> float:
    """Seconds in ``text``: a plain number of seconds, or parts with units, each unit at most once. Never negative.

    ``%`` is of the ``duration`` in seconds. With a ``grid``, ``4b`` is the time of beat 4 and ``2bar`` that of bar 2,
    both counted from 0; ``is_length``: how long they last from second 0 on. The name of one of its cues is the time of
    that cue. Raises ConfigError naming ``key``.
    """
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise ConfigError(key, text, _FORMS)
    stripped = str(text).strip()
    if len(stripped) > MAX_CHARACTERS:
        raise ConfigError(key, stripped[:32] + "…", _FORMS)
    cue = _find_cue(stripped, key, grid)
    if cue is not None:
        seconds = Fraction(cue)
    elif _NUMBER.fullmatch(stripped):
        seconds = Fraction(stripped)
    else:
        seconds = _sum_of_parts(stripped, fps, key, duration, grid, is_length)
    if cue is not None and cue < 0:
        raise ConfigError(key, text, f"this cue is {show_time(-cue)} before the film or the shot begins")
    if not 0 <= seconds <= MAX_SECONDS:
        raise ConfigError(key, text, f"a time lies between 0s and {MAX_SECONDS}s")
    return float(seconds)


def _find_cue(text: str, key: str, grid: Grid | None) -> float | None:
    """The second of the cue with this name; None for what begins like a time. Raises ConfigError for no cue's name."""
    if re.match(r"[-+.\d]", text):
        return None
    cues = grid.cues if grid else {}
    names = {name.lower(): name for name in cues}
    if text.lower() in names:
        return cues[names[text.lower()]]
    if not cues:
        raise ConfigError(key, text, _FORMS)
    hint = nearest(text, cues) or f": {', '.join(list(cues)[:8])}"
    raise ConfigError(key, text, f"{_FORMS}, or a cue of audio.markers{hint}")


def parse_beats(text: object, *, key: str, beats_per_bar: int) -> float | None:
    """The number of beats if ``text`` counts in ``b`` and ``bar``, else None.

    Raises ConfigError naming ``key`` if it mixes beats and seconds.
    """
    parts = _parts(str(text).strip(), key) if isinstance(text, str) and re.search(r"\db|\d\s+b", text.lower()) else []
    beats = [Fraction(n) * (beats_per_bar if unit == "bar" else 1) for n, unit in parts if unit in _MUSICAL]
    if not beats:
        return None
    if len(beats) < len(parts):
        raise ConfigError(key, text, "write a length in beats and bars or in seconds, not in both")
    return float(sum(beats))


def _sum_of_parts(
    text: str, fps: Fraction, key: str, duration: float | None, grid: Grid | None, is_length: bool
) -> Fraction:
    parts = _parts(text, key)
    units = [unit for _, unit in parts]
    if "%" in units and duration is None:
        raise ConfigError(key, text, "a percentage needs a known duration; write seconds")
    whole = Fraction(duration or 0.0)
    total = sum((Fraction(n) * _UNITS[u](fps, whole) for n, u in parts if u not in _MUSICAL), Fraction())
    if not set(_MUSICAL) & set(units):
        return total
    if grid is None:
        raise ConfigError(key, text, "there are no beats to count here; write seconds")
    beats = sum(Fraction(n) * (grid.beats_per_bar if u == "bar" else 1) for n, u in parts if u in _MUSICAL)
    return total + Fraction(grid.time(float(beats) + (grid.beat(0.0) if is_length else 0.0)))


def _parts(text: str, key: str) -> list[tuple[str, str]]:
    """(number, unit) for each part of a time."""
    parts = [(number, unit.lower()) for number, unit in _PART.findall(text)]
    if not parts or _PART.sub("", text).strip():
        raise ConfigError(key, text, _FORMS)
    units = [unit for _, unit in parts]
    known = (*_UNITS, *_MUSICAL)
    unknown = [unit for unit in units if unit not in known]
    if unknown:
        hint = nearest(unknown[0], known)
        raise ConfigError(key, text, f"{unknown[0]!r} is not a unit of time; the units are {', '.join(known)}{hint}")
    if len(set(units)) < len(units):
        raise ConfigError(key, text, "write each unit of time at most once")
    return parts


def format_time(seconds: float) -> str:
    """``seconds`` as ``1m30.5s``; parse_time gives the same float back, from 1e-9 up."""
    if not math.isfinite(seconds):
        return f"{seconds}s"
    exact = Decimal(repr(abs(float(seconds))))
    minutes = int(exact // 60)
    rest = exact - 60 * minutes
    digits = f"{rest:f}"
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    sign = "-" if seconds < 0 else ""
    if not minutes:
        return f"{sign}{digits}s"
    return f"{sign}{minutes}m" + (f"{digits}s" if rest else "")


def show_time(seconds: float) -> str:
    """``seconds`` rounded to milliseconds, for messages."""
    return format_time(round(seconds, 3))


def parse_fps(value: str | float, key: str) -> Fraction:
    """Frames per second as an exact fraction: 24, 29.97 (30000/1001), ``"30000/1001"``.

    Decimals within 0.005 of a broadcast rate (24, 30, 48, 60 or 120 × 1000/1001) mean that rate. Raises ConfigError
    outside 1 … 240.
    """
    allowed = "frames per second from 1 to 240, such as 24, 29.97 or 30000/1001"
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{0,9})?)(?:/(\d{1,9}))?", str(value).strip())
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
