"""A number that is played: keyframes that grow at the end, as a film's keyframes, thinned within a bound."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

MIN_GLIDE_SECONDS = 0.001  # two keys never share a time
SAMPLE_SECONDS = 1 / 24
REST_SECONDS = 0.5  # a number that rested so long is written exactly until it moves
TIME_DIGITS, VALUE_DIGITS = 4, 6


@dataclass(frozen=True)
class Source:
    """Where a number comes from: a function of seconds.

    ``text`` is its expression in parentheses; a source without one is written as numbers.
    """

    at: Callable[[float], float]
    text: str = ""
    is_constant: bool = False


def constant(value: float) -> Source:
    """A number that stays, with the digits that are written."""
    number = _rounded(value)
    return Source(lambda t: number, is_constant=True)


@dataclass(frozen=True)
class Key:
    """``source`` from second ``at`` on; ``number`` is its value there, ``text`` the key as a film's keyframe."""

    at: float
    source: Source
    number: float
    text: str
    is_fixed: bool = False

    def value(self, t: float) -> float:
        """The value at ``t`` in the segments next to this key."""
        return self.source.at(t) if self.source.text else self.number


def _key(at: float, source: Source, is_fixed: bool = False) -> Key:
    at, number = round(at, TIME_DIGITS), _rounded(source.at(at))
    written = source.text or f"{number:.{VALUE_DIGITS}g}"
    return Key(at, source, number, f"{at:.{TIME_DIGITS}f}".rstrip("0").rstrip(".") + f"s: {written}", is_fixed)


class Track:
    """A function of seconds that begins as ``start`` and moves where ``glide`` sends it, linearly, as keyframes do.

    Keys are dropped while the straight line between their neighbours stays within ``tolerance`` of all that they were.
    """

    def __init__(self, start: Source, tolerance: float) -> None:
        self._keys = [_key(0.0, start)]
        self._pending: Key | None = None
        self._tolerance = tolerance
        self._dropped: list[Key] = []  # since the last key but one

    def __call__(self, t: float) -> float:
        keys, pending = self._keys, self._pending
        if pending is not None and t >= keys[-1].at:
            return pending.source.at(t) if t >= pending.at else _between(keys[-1], pending, t)
        index = bisect_right(keys, t, key=lambda key: key.at)
        if index == len(keys):
            return keys[-1].source.at(t)
        return keys[0].value(t) if index == 0 else _between(keys[index - 1], keys[index], t)

    @property
    def goal(self) -> Source:
        """The source that it has, or moves to."""
        return (self._pending or self._keys[-1]).source

    @property
    def is_constant(self) -> bool:
        """Whether it never moved and is a number."""
        return len(self._keys) == 1 and self._pending is None and self.goal.is_constant

    def glide(self, t: float, goal: Source, seconds: float) -> None:
        """From second ``t`` on move to ``goal``, in ``seconds``."""
        if goal.is_constant and self.goal.is_constant and goal.at(t) == self.goal.at(t):
            return
        self._settle(t)
        self._pending = _key(max(t, self._keys[-1].at) + max(seconds, MIN_GLIDE_SECONDS), goal)

    def sample(self, t: float) -> None:
        """Write down the value at ``t`` if it cannot be written as an expression."""
        self._commit_reached(t)
        source = self._keys[-1].source
        if self._pending is None and not source.text and not source.is_constant:
            self._append(_key(t, source))

    def text(self, max_characters: int) -> str:
        """All keys as a film's keyframes; where they are too many, those within a larger bound."""
        keys, tolerance = [*self._keys, *([self._pending] if self._pending else [])], self._tolerance
        if len(keys) == 1 and not keys[0].source.text:
            return f"{keys[0].number:.{VALUE_DIGITS}g}"
        while sum(len(key.text) + 2 for key in keys) > max_characters:
            tolerance *= 2
            keys = thin(keys, tolerance)
        return ", ".join(key.text for key in keys)

    def _settle(self, t: float) -> None:
        """Make the moment ``t`` the last key, unless a later one is there already."""
        self._commit_reached(t)
        last, pending = self._keys[-1], self._pending
        self._pending = None
        if pending is None:
            if t > last.at:
                self._append(_key(t, last.source, t - last.at >= REST_SECONDS))
            return
        if last.source.text or pending.source.text:  # a blend of expressions ends here: written as numbers
            moment = last.at + SAMPLE_SECONDS
            while moment < t:
                self._append(_key(moment, constant(_between(last, pending, moment))))
                moment += SAMPLE_SECONDS
        if t > self._keys[-1].at:
            self._append(_key(t, constant(_between(last, pending, t))))

    def _commit_reached(self, t: float) -> None:
        if self._pending is not None and self._pending.at <= t:
            self._append(self._pending)
            self._pending = None

    def _append(self, key: Key) -> None:
        keys, dropped = self._keys, [*self._dropped, self._keys[-1]]
        if round(key.at, TIME_DIGITS) <= keys[-1].at:
            return
        if len(keys) > 1 and len(dropped) < 500 and _fits(keys[-2], dropped, key, self._tolerance):
            keys[-1], self._dropped = key, dropped
        else:
            keys.append(key)
            self._dropped = []


def thin(keys: Sequence[Key], tolerance: float) -> list[Key]:
    """The keys without those that lie within ``tolerance`` of the straight line between their neighbours."""
    result, dropped = list(keys[:2]), list[Key]()
    for key in keys[2:]:
        if _fits(result[-2], [*dropped, result[-1]], key, tolerance):
            dropped.append(result[-1])
            result[-1] = key
        else:
            result.append(key)
            dropped = []
    return result


def _fits(first: Key, middle: Sequence[Key], last: Key, tolerance: float) -> bool:
    """Whether the keys in the ``middle`` can be left out."""
    if any(key.source.text for key in (first, *middle, last)) or any(key.is_fixed for key in middle):
        return False
    slope = (last.number - first.number) / (last.at - first.at)
    return all(abs(first.number + slope * (key.at - first.at) - key.number) <= tolerance for key in middle)


def _between(before: Key, after: Key, t: float) -> float:
    fraction = min(max((t - before.at) / (after.at - before.at), 0.0), 1.0)
    start, end = before.value(t), after.value(t)
    low, high = sorted((start, end))
    return min(max(start + (end - start) * fraction, low), high)


def _rounded(value: float) -> float:
    return float(f"{value:.{VALUE_DIGITS}g}")
