"""When each sight is seen: pure functions of time in seconds, defined also before second 0.

Sights cross-fade by smoothstep. The shares of the outgoing and the incoming sight add up to 1 at
every moment, so sights of equal weight keep the total drive constant.
"""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from pipeline.errors import ConfigError
from pipeline.score.hold import Pace
from pipeline.score.target_weights import TimedWeights, mix, sight_at, within_one
from pipeline.targets.target import TargetWeights
from pipeline.timing.smoothstep import smoothstep


class Turn(NamedTuple):
    """One moment: the sight that is seen, the sight that comes, and the share of the latter."""

    now: TargetWeights
    next: TargetWeights
    share: float


class Schedule(ABC):
    """What is seen when. ``turn`` and ``weights`` take any finite time in seconds."""

    @abstractmethod
    def turn(self, t: float) -> Turn:
        """The sights on either side of the moment ``t`` and how far the fade between them is."""

    @abstractmethod
    def sights(self) -> tuple[TimedWeights, ...]:
        """Every sight that may come up; of an endless walk its start."""

    def weights(self, t: float) -> TargetWeights:
        """Target → weight at ``t`` seconds."""
        now, coming, share = self.turn(t)
        if 0 < share < 1:  # of weights that add up to more than 1 only the proportions count; so in a fade as well
            now, coming = within_one(now), within_one(coming)
        return mix(now, coming, share)


@dataclass(frozen=True)
class Constant(Schedule):
    """One sight, for ever."""

    sight: TimedWeights

    def turn(self, t: float) -> Turn:
        sight = sight_at(self.sight, t)
        return Turn(sight, sight, 0.0)

    def sights(self) -> tuple[TimedWeights, ...]:
        return (self.sight,)


@dataclass(frozen=True)
class Turns(Schedule):
    """Sight number n for turn number n of the ``pace``, n being any whole number.

    The end of each turn fades to the next sight, so that sight n is seen alone just where turn n begins. Without a
    fade the sight changes at once there.
    """

    sight: Callable[[int], TimedWeights]
    pace: Pace
    known: tuple[TimedWeights, ...]

    def sights(self) -> tuple[TimedWeights, ...]:
        return self.known

    def turn(self, t: float) -> Turn:
        # Rounding may carry a moment across a boundary: then its share is just outside [0, 1], and is cut off.
        number = self.pace.number(t)
        fade = self.pace.fade(number + 1)
        share = _fade(1.0 - (self.pace.begins(number + 1) - t) / fade) if fade > 0 else 0.0
        return Turn(sight_at(self.sight(number), t), sight_at(self.sight(number + 1), t), share)


@dataclass(frozen=True)
class Round(Schedule):
    """Another schedule's first ``period`` seconds, again and again, also before second 0.

    Where it does not come back by itself to what it begins with, it fades there over the last ``fade`` seconds.
    """

    inner: Schedule
    period: float
    fade: float

    def sights(self) -> tuple[TimedWeights, ...]:
        return self.inner.sights()

    def turn(self, t: float) -> Turn:
        t %= self.period
        left = self.period - t
        if left >= self.fade or self.inner.weights(self.period) == self.inner.weights(0.0):
            return self.inner.turn(t)
        return Turn(self.inner.weights(t), self.inner.weights(0.0), _fade(1.0 - left / self.fade))


@dataclass(frozen=True)
class Key:
    """``sight`` from ``at`` seconds on, after a fade of ``fade`` seconds that ends at ``at``."""

    at: float
    sight: TimedWeights
    fade: float


@dataclass(frozen=True)
class Keys(Schedule):
    """Sights at chosen times; ``keys`` have rising times (see ``sort_keys``).

    The rule: a key's sight is complete at its time and stays until the next key's fade begins.
    The first also reigns before its time, the last after it. A fade longer than the gap to the key
    before is shortened to the gap, so at most two sights mix. A key past the end of the shot is
    never reached, though its fade may be.
    """

    keys: tuple[Key, ...]

    def sights(self) -> tuple[TimedWeights, ...]:
        return tuple(key.sight for key in self.keys)

    def turn(self, t: float) -> Turn:
        index = bisect_right(self.keys, t, key=lambda key: key.at)
        if index in (0, len(self.keys)):
            sight = sight_at(self.keys[max(index - 1, 0)].sight, t)
            return Turn(sight, sight, 0.0)
        now, coming = self.keys[index - 1], self.keys[index]
        start = max(coming.at - coming.fade, now.at)
        share = _fade((t - start) / (coming.at - start)) if start < coming.at else 0.0
        return Turn(sight_at(now.sight, t), sight_at(coming.sight, t), share)


def cycle(sights: Sequence[TimedWeights], pace: Pace) -> Schedule:
    """The sights in turn, the first from turn 0 on, round and round."""
    if not sights:
        raise ConfigError("score.targets", "[]", "name at least one target")
    if len(sights) == 1:
        return Constant(sights[0])
    return Turns(lambda number: sights[number % len(sights)], pace, tuple(sights))


def ping_pong(sights: Sequence[TimedWeights], pace: Pace) -> Schedule:
    """There and back: a b c b a b …; the ends are not doubled."""
    return cycle([*sights, *sights[-2:0:-1]], pace)


def sort_keys(keys: Sequence[Key]) -> Keys:
    """The keys sorted by time. Raises ConfigError if two share a time or there is none."""
    if not keys:
        raise ConfigError("score.keys", "[]", "write at least one key such as {at: 0s, see: class:owl}")
    ordered = sorted(keys, key=lambda key: key.at)
    for before, after in pairwise(ordered):
        if before.at == after.at:
            raise ConfigError("score.keys", f"{after.at:g}s", "two keys stand at the same time; keep one")
    return Keys(tuple(ordered))


def _fade(x: float) -> float:
    return smoothstep(min(max(x, 0.0), 1.0))
