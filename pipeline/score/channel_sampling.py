"""Targets drawn at random, the same ones for the same seed and shot."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from pipeline.errors import ConfigError
from pipeline.score.target_weights import TimedWeights
from pipeline.targets.target import Target, TargetWeights

_STREAM = 1
"""Keeps these random numbers apart from those of the walk for the same seed and shot."""


def draw_channels(
    count: int,
    layers: Sequence[str],
    channels: Callable[[str], int],
    *,
    seed: int,
    shot: int,
) -> list[TargetWeights]:
    """``count`` different channels; each layer is as likely as the next, however wide it is.

    They are meant to be cycled: since all differ, none is seen twice running, at the wrap either.
    Raises ConfigError if the layers do not have that many channels.
    """
    rng = np.random.default_rng([_STREAM, seed, shot])
    decks = [
        [Target("layer", layer, int(n)) for n in rng.permutation(channels(layer))] for layer in dict.fromkeys(layers)
    ]
    total = sum(len(deck) for deck in decks)
    _check_count(count, total, f"the {total} channels of {', '.join(layers)}")
    drawn: list[TargetWeights] = []
    while len(drawn) < count:
        deck = decks[int(rng.integers(len(decks)))]
        drawn.append({deck.pop(): 1.0})
        decks = [deck for deck in decks if deck]
    return drawn


def draw_sights(count: int, sights: Sequence[TimedWeights], *, seed: int, shot: int) -> list[TimedWeights]:
    """``count`` of the given sights, each at most once, in random order."""
    rng = np.random.default_rng([_STREAM, seed, shot])
    _check_count(count, len(sights), f"the {len(sights)} entries of score.targets")
    return [sights[n] for n in rng.permutation(len(sights))[:count]]


def _check_count(count: int, total: int, source: str) -> None:
    if not 1 <= count <= total:
        raise ConfigError("score.draw", count, f"draw at least 1 and at most {source}")


Neighbours = Callable[[str, int], Sequence[int]]
"""(layer, channel) → the other channels of the layer, nearest first."""
CHOICE = 6
MEMORY = 8
_WALK_STREAM = 2


class Walk:
    """Step number n of the walk, n being any whole number; step 0 is ``start``.

    Each step goes to one of the ``CHOICE`` nearest channels that were not among the last ``MEMORY``
    visited, nearer ones more often. Where all are too fresh in memory it goes to the least recently
    visited neighbour, and where there is no neighbour it stays. The steps before 0 are a second
    walk from the same start, so both directions go on for ever. Depends only on the seed, the shot
    and the neighbours.
    """

    def __init__(self, start: Target, neighbours: Neighbours, *, seed: int, shot: int) -> None:
        if start.kind != "layer" or start.channel is None:
            raise ConfigError("score.targets", start, "a walk starts at a channel such as stage4:61")
        self._start, layer = start, start.layer
        onward, back = (np.random.default_rng([_WALK_STREAM, seed, shot, way]) for way in (0, 1))
        self._onward = _Path(layer, start.channel, neighbours, onward, avoid=[])
        # The way back must not begin as the way onward does, or the walk would return at step 0.
        first = self._onward.channel(1)
        self._back = _Path(layer, start.channel, neighbours, back, avoid=[first])

    def sight(self, number: int) -> TargetWeights:
        """The channel seen at step ``number``."""
        path = self._onward if number >= 0 else self._back
        # Its place, region and octaves go with it.
        return {replace(self._start, channel=path.channel(abs(number))): 1.0}


class _Path:
    """The walk in one direction, found out as far as it has been asked for."""

    def __init__(
        self,
        layer: str,
        start: int,
        neighbours: Neighbours,
        rng: np.random.Generator,
        avoid: list[int],
    ) -> None:
        self._layer, self._neighbours, self._rng = layer, neighbours, rng
        self._avoid = avoid
        self._visited = [start]

    def channel(self, number: int) -> int:
        while len(self._visited) <= number:
            self._visited.append(self._next())
        return self._visited[number]

    def _next(self) -> int:
        here = self._visited[-1]
        known = [n for n in self._neighbours(self._layer, here) if n != here]
        recent = [*self._avoid, *self._visited[-MEMORY:]][-MEMORY:]
        fresh = [n for n in known if n not in recent][:CHOICE]
        if fresh:
            odds = 1.0 / np.arange(1, len(fresh) + 1)
            return int(fresh[int(self._rng.choice(len(fresh), p=odds / odds.sum()))])
        return int(min(known, key=lambda n: _last_visit(recent, n), default=here))


def _last_visit(recent: list[int], channel: int) -> int:
    return max((index for index, visited in enumerate(recent) if visited == channel), default=-1)
