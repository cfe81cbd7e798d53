"""Keyframes: a number at given times, ``0s: 1.2, 4s: 1.6 in-out, 8s: 1.0``.

An easing belongs to the segment that ends at its key; without one the segment is linear. Before the first key its value
holds, after the last key that one's. Keys may be in any order, but no two at the same time. A value in parentheses is
an expression, ``0s: (1.2 + bass), 16b: 2 in-out``, which keeps changing in both neighbouring segments.

``0:(1.02), 60:(1.05)`` is read as Deforum does: the keys are frame numbers and segments are linear. In an expression
``t`` is the frame number as well, ``max_f`` the last one's; it runs from its key to the next.
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import pairwise

from pipeline.errors import ConfigError
from pipeline.score.easing import EASINGS, Easing, parse_easing
from pipeline.score.expression import Expression, parse_expression
from pipeline.timing.signals import Signals
from pipeline.timing.timecode import format_time, parse_time

MAX_CHARACTERS = 20_000
_DEFORUM = re.compile(r"\s*\d+\s*:\s*\(")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?", re.IGNORECASE)
_FORM = "write keyframes as 0s: 1.2, 4s: 1.6 in-out, 8s: 1.0, with expressions in parentheses"


@dataclass(frozen=True)
class Keyframe:
    """``value`` at ``at`` seconds, reached by ``easing``.

    A ``blended`` expression replaces the value in both neighbouring segments; a ``running`` one (Deforum) alone
    decides up to the next key.
    """

    at: float
    value: float
    easing: Easing = EASINGS["linear"]
    running: Expression | None = None
    blended: Expression | None = None

    def value_at(self, t: float) -> float:
        """The value at ``t`` seconds."""
        return self.value if self.blended is None else self.blended(t)


@dataclass(frozen=True)
class Keyframes:
    """A function of seconds through ``frames``, sorted by time."""

    frames: tuple[Keyframe, ...]

    def __call__(self, t: float) -> float:
        index = bisect_right(self.frames, t, key=lambda frame: frame.at)
        if index == 0:
            return self.frames[0].value_at(t)
        before = self.frames[index - 1]
        if before.running is not None:
            return before.running(t)
        if index == len(self.frames) or t == before.at:
            return before.value_at(t)
        after = self.frames[index]
        fraction = after.easing((t - before.at) / (after.at - before.at))
        start, end = before.value_at(t), after.value_at(t)
        value = start + (end - start) * fraction
        if 0.0 <= fraction <= 1.0:  # rounding must not carry it past both values
            low, high = sorted((start, end))
            value = min(max(value, low), high)
        return value


def parse_keyframes(
    text: str,
    *,
    key: str,
    fps: Fraction,
    duration: float | None,
    seed: int = 0,
    signals: Signals | None = None,
) -> Keyframes:
    """The keyframes in ``text``. Raises ConfigError naming ``key``."""
    if len(text) > MAX_CHARACTERS:
        raise ConfigError(key, text[:40] + "…", f"keyframes are at most {MAX_CHARACTERS} characters long")
    parts = [part for part in _split(text) if part.strip()]
    is_deforum = bool(_DEFORUM.match(text))
    expression = partial(
        parse_expression, key=key, fps=fps, duration=duration, seed=seed, in_frames=is_deforum, signals=signals
    )
    if is_deforum:
        frames = [_deforum_key(part, key, fps, expression) for part in parts]
    else:
        grid = signals.grid if signals else None
        time = partial(parse_time, fps=fps, key=key, duration=duration, grid=grid)
        frames = [_key(part, key, time, expression) for part in parts]
    frames.sort(key=lambda frame: frame.at)
    for before, after in pairwise(frames):
        if before.at == after.at:
            raise ConfigError(key, text, f"two keys are at {format_time(after.at)}; remove one")
    return Keyframes(tuple(frames))


def _key(part: str, key: str, time: Callable[[str], float], expression: Callable[[str], Expression]) -> Keyframe:
    when, _, rest = part.partition(":")
    value, word = _split_easing(rest.strip())
    number = _NUMBER.fullmatch(value)
    if not number and not value.startswith("("):
        raise ConfigError(key, part.strip()[:80], _FORM)
    at = time(when)
    easing = parse_easing(word, key) if word else EASINGS["linear"]
    if number:
        return Keyframe(at, float(value), easing)
    blended = expression(value)
    return Keyframe(at, blended(at), easing, blended=blended)


def _split_easing(rest: str) -> tuple[str, str]:
    """(value, easing); the value may be an expression in parentheses."""
    depth = 0
    for index, letter in enumerate(rest):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and (letter.isspace() or letter == ")"):
            return rest[: index + 1].strip(), rest[index + 1 :].strip()
    return rest, ""


def _deforum_key(part: str, key: str, fps: Fraction, expression: Callable[[str], Expression]) -> Keyframe:
    match = re.fullmatch(r"\s*(\d{1,9})\s*:\s*\((.*)\)\s*", part, re.DOTALL)
    if match is None:
        raise ConfigError(key, part.strip()[:80], "write frame keys as 0:(1.02), 60:(1.05)")
    at = float(int(match[1]) / fps)
    value = match[2].strip()
    if _NUMBER.fullmatch(value):
        return Keyframe(at, float(value))
    running = expression(value)
    return Keyframe(at, running(at), running=running)


def _split(text: str) -> list[str]:
    """Split at the commas outside parentheses."""
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]
