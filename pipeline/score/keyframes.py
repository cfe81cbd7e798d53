"""A number given at chosen times: ``0s: 1.2, 4s: 1.6 in-out, 8s: 1.0``.

An easing word belongs to the segment that ends at its key: by 4 s the number has come to 1.6,
gently at both ends. Without a word the segment is linear. Before the first key its value stands,
after the last that one's. The order of the keys does not matter; two at the same time are refused.
A value in parentheses is an expression, ``0s: (1.2 + bass), 16b: 2 in-out``, and moves while it is approached and left.

``0:(1.02), 60:(1.05)`` is read as Deforum does: the keys are frame numbers, segments are linear,
and a value may be an expression, in which ``t`` is the frame number as well. It then runs from its
key to the next. ``max_f`` is the last frame's number.
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
from pipeline.score.expression import Expression, compile_expression
from pipeline.timing.signals import Signals
from pipeline.timing.timecode import format_time, parse_time

Compile = Callable[[str], Expression]

LONGEST_TEXT = 20_000
_DEFORUM = re.compile(r"\s*\d+\s*:\s*\(")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?", re.IGNORECASE)
_FORM = "write keyframes as 0s: 1.2, 4s: 1.6 in-out, 8s: 1.0, and a value that moves in parentheses"


@dataclass(frozen=True)
class Keyframe:
    """``value`` at ``at`` seconds, reached by ``easing``; from there on ``running``, if there is.

    A ``moving`` value is blended with its neighbours' instead.
    """

    at: float
    value: float
    easing: Easing = EASINGS["linear"]
    running: Expression | None = None
    moving: Expression | None = None

    def now(self, t: float) -> float:
        """Its value as it is at ``t`` seconds."""
        return self.value if self.moving is None else self.moving(t)


@dataclass(frozen=True)
class Keyframes:
    """A function of seconds through ``frames``, sorted by time; at a key exactly its value."""

    frames: tuple[Keyframe, ...]

    def __call__(self, t: float) -> float:
        index = bisect_right(self.frames, t, key=lambda frame: frame.at)
        if index == 0:
            return self.frames[0].now(t)
        before = self.frames[index - 1]
        if before.running is not None:
            return before.running(t)
        if index == len(self.frames) or t == before.at:
            return before.now(t)
        after = self.frames[index]
        share = after.easing((t - before.at) / (after.at - before.at))
        start, end = before.now(t), after.now(t)
        value = start + (end - start) * share
        if 0.0 <= share <= 1.0:  # rounding must not carry it out of a range that both keys keep
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
    """The keyframes that ``text`` lists. Raises ConfigError naming ``key``."""
    if len(text) > LONGEST_TEXT:
        raise ConfigError(key, text[:40] + "…", f"keyframes are at most {LONGEST_TEXT} characters long")
    parts = [part for part in _split(text) if part.strip()]
    deforum = bool(_DEFORUM.match(text))
    compiled = partial(
        compile_expression, key=key, fps=fps, duration=duration, seed=seed, frames=deforum, signals=signals
    )
    if deforum:
        frames = [_deforum_key(part, key, fps, compiled) for part in parts]
    else:
        grid = signals.grid if signals else None
        read = partial(parse_time, fps=fps, key=key, duration=duration, grid=grid)
        frames = [_key(part, key, read, compiled) for part in parts]
    frames.sort(key=lambda frame: frame.at)
    for before, after in pairwise(frames):
        if before.at == after.at:
            raise ConfigError(key, text, f"two keys stand at {format_time(after.at)}; keep one")
    return Keyframes(tuple(frames))


def _key(part: str, key: str, read: Callable[[str], float], compiled: Compile) -> Keyframe:
    when, _, rest = part.partition(":")
    value, words = _value(rest.strip())
    number = _NUMBER.fullmatch(value)
    if not number and not value.startswith("("):
        raise ConfigError(key, part.strip()[:80], _FORM)
    at = read(when)
    easing = parse_easing(words, key) if words else EASINGS["linear"]
    if number:
        return Keyframe(at, float(value), easing)
    moving = compiled(value)
    return Keyframe(at, moving(at), easing, moving=moving)


def _value(rest: str) -> tuple[str, str]:
    """A key's value, which may be an expression in parentheses, and its easing."""
    depth = 0
    for index, letter in enumerate(rest):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and (letter.isspace() or letter == ")"):
            return rest[: index + 1].strip(), rest[index + 1 :].strip()
    return rest, ""


def _deforum_key(part: str, key: str, fps: Fraction, compiled: Compile) -> Keyframe:
    match = re.fullmatch(r"\s*(\d{1,9})\s*:\s*\((.*)\)\s*", part, re.DOTALL)
    if match is None:
        raise ConfigError(key, part.strip()[:80], "write frame keys as 0:(1.02), 60:(1.05)")
    at = float(int(match[1]) / fps)
    written = match[2].strip()
    if _NUMBER.fullmatch(written):
        return Keyframe(at, float(written))
    expression = compiled(written)
    return Keyframe(at, expression(at), running=expression)


def _split(text: str) -> list[str]:
    """At the commas outside parentheses."""
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]
