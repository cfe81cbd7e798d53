"""When each entry of a score plays: pure functions of seconds, also before second 0.

An entry is a weighted sum of targets. Entries cross-fade by smoothstep; the weights of the outgoing and the incoming
one add up to 1 at every moment, so entries of equal weight keep the total weight constant.
"""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from pipeline.errors import ConfigError
from pipeline.score.hold import Hold
from pipeline.score.target_weights import TimedWeights, mix, strongest, total_at_most_one, weights_at
from pipeline.targets.target import TargetWeights
from pipeline.timing.smoothstep import smoothstep


class Turn(NamedTuple):
    """One moment: the current entry, the next one, and the weight of the next."""

    now: TargetWeights
    next: TargetWeights
    fade: float

    def label(self) -> str:
        """The strongest target: ``class:owl``, in a fade ``class:owl → class:eye``."""
        now, following = strongest(self.now), strongest(self.next)
        return now if self.fade <= 0.0 or now == following else f"{now} → {following}"


class Schedule(ABC):
    """Which entry plays when. ``turn`` and ``weights`` take any finite number of seconds."""

    @abstractmethod
    def turn(self, t: float) -> Turn:
        """The entries on either side of the moment ``t``."""

    @abstractmethod
    def entries(self) -> tuple[TimedWeights, ...]:
        """Every entry that may come up; of an endless walk its start."""

    def weights(self, t: float) -> TargetWeights:
        """Target → weight at ``t`` seconds."""
        now, following, fade = self.turn(t)
        if 0 < fade < 1:  # the dream only uses proportions of weights that add up to more than 1; so does a fade
            now, following = total_at_most_one(now), total_at_most_one(following)
        return mix(now, following, fade)


@dataclass(frozen=True)
class Constant(Schedule):
    """One entry throughout."""

    entry: TimedWeights

    def turn(self, t: float) -> Turn:
        weights = weights_at(self.entry, t)
        return Turn(weights, weights, 0.0)

    def entries(self) -> tuple[TimedWeights, ...]:
        return (self.entry,)


@dataclass(frozen=True)
class Turns(Schedule):
    """Entry number n plays in turn number n of ``hold``, n being any whole number.

    The end of each turn fades to the next entry, so entry n plays alone just where turn n starts. Without a fade the
    entry changes at once there.
    """

    entry: Callable[[int], TimedWeights]
    hold: Hold
    all_entries: tuple[TimedWeights, ...]

    def entries(self) -> tuple[TimedWeights, ...]:
        return self.all_entries

    def turn(self, t: float) -> Turn:
        # Rounding may carry a moment across a boundary: smoothstep then clips.
        number = self.hold.number(t)
        seconds = self.hold.fade(number + 1)
        fade = _smoothstep(1.0 - (self.hold.start(number + 1) - t) / seconds) if seconds > 0 else 0.0
        return Turn(weights_at(self.entry(number), t), weights_at(self.entry(number + 1), t), fade)


@dataclass(frozen=True)
class Loop(Schedule):
    """The first ``period`` seconds of another schedule, repeated forever in both directions.

    If that does not return to its first targets by itself, it fades to them over the last ``fade`` seconds.
    """

    inner: Schedule
    period: float
    fade: float

    def entries(self) -> tuple[TimedWeights, ...]:
        return self.inner.entries()

    def turn(self, t: float) -> Turn:
        t %= self.period
        left = self.period - t
        if left >= self.fade or self.inner.weights(self.period) == self.inner.weights(0.0):
            return self.inner.turn(t)
        return Turn(self.inner.weights(t), self.inner.weights(0.0), _smoothstep(1.0 - left / self.fade))


@dataclass(frozen=True)
class Key:
    """``entry`` plays from ``at`` seconds on, after a fade of ``fade`` seconds that ends there."""

    at: float
    entry: TimedWeights
    fade: float


@dataclass(frozen=True)
class Keys(Schedule):
    """Entries at given times, in rising order (see ``sort_keys``).

    A key is complete at its time and holds until the next key's fade starts; the first also holds before its time, the
    last after it. A fade longer than the gap to the key before is shortened to the gap, so at most two entries mix.
    A key past the end of the shot is never reached, but its fade may be.
    """

    keys: tuple[Key, ...]

    def entries(self) -> tuple[TimedWeights, ...]:
        return tuple(key.entry for key in self.keys)

    def turn(self, t: float) -> Turn:
        index = bisect_right(self.keys, t, key=lambda key: key.at)
        if index in (0, len(self.keys)):
            weights = weights_at(self.keys[max(index - 1, 0)].entry, t)
            return Turn(weights, weights, 0.0)
        now, following = self.keys[index - 1], self.keys[index]
        start = max(following.at - following.fade, now.at)
        fade = _smoothstep((t - start) / (following.at - start)) if start < following.at else 0.0
        return Turn(weights_at(now.entry, t), weights_at(following.entry, t), fade)


def cycle(entries: Sequence[TimedWeights], hold: Hold) -> Schedule:
    """The entries one after the other, the first in turn 0, over and over."""
    if not entries:
        raise ConfigError("score.targets", "[]", "name at least one target")
    if len(entries) == 1:
        return Constant(entries[0])
    return Turns(lambda number: entries[number % len(entries)], hold, tuple(entries))


def ping_pong(entries: Sequence[TimedWeights], hold: Hold) -> Schedule:
    """Back and forth: a b c b a b …"""
    return cycle([*entries, *entries[-2:0:-1]], hold)


def sort_keys(keys: Sequence[Key]) -> Keys:
    """The keys in order of time. Raises ConfigError if there is none or two share a time."""
    if not keys:
        raise ConfigError("score.keys", "[]", "write at least one key such as {at: 0s, see: class:owl}")
    ordered = sorted(keys, key=lambda key: key.at)
    for before, after in pairwise(ordered):
        if before.at == after.at:
            raise ConfigError("score.keys", f"{after.at:g}s", "two keys have the same time; remove one")
    return Keys(tuple(ordered))


def _smoothstep(x: float) -> float:
    return smoothstep(min(max(x, 0.0), 1.0))
