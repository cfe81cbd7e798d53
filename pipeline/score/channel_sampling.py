"""Random targets: the same ones for the same seed and shot."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from pipeline.errors import ConfigError
from pipeline.score.target_weights import TimedWeights
from pipeline.targets.target import Target, TargetWeights

# Independent random streams for the same seed and shot.
DRAW_STREAM = 1
WALK_STREAM = 2
WALK_CHOICES = 6
WALK_MEMORY = 8


def draw_channels(
    count: int, layers: Sequence[str], channels: Callable[[str], int], *, seed: int, shot: int
) -> list[Target]:
    """``count`` different channels; every layer is equally likely, however many channels it has.

    In a cycle none follows itself, not even at the wrap. Raises ConfigError if the layers have fewer channels.
    """
    rng = np.random.default_rng([DRAW_STREAM, seed, shot])
    decks = [
        [Target("layer", layer, int(n)) for n in rng.permutation(channels(layer))] for layer in dict.fromkeys(layers)
    ]
    total = sum(len(deck) for deck in decks)
    _check_count(count, total, f"the {total} channels of {', '.join(layers)}")
    drawn: list[Target] = []
    while len(drawn) < count:
        deck = decks[int(rng.integers(len(decks)))]
        drawn.append(deck.pop())
        decks = [deck for deck in decks if deck]
    return drawn


def draw_entries(count: int, entries: Sequence[TimedWeights], *, seed: int, shot: int) -> list[TimedWeights]:
    """``count`` different entries in random order."""
    rng = np.random.default_rng([DRAW_STREAM, seed, shot])
    _check_count(count, len(entries), f"the {len(entries)} entries of score.targets")
    return [entries[n] for n in rng.permutation(len(entries))[:count]]


def _check_count(count: int, total: int, source: str) -> None:
    if not 1 <= count <= total:
        raise ConfigError("score.random_channels", count, f"draw at least 1 and at most {source}")


class ChannelWalk:
    """A random walk through similar channels of a layer. ``entry`` gives step n, any whole number; step 0 is ``start``.

    Each step goes to one of the ``WALK_CHOICES`` most similar channels that were not among the last ``WALK_MEMORY``
    visited, preferring more similar ones. If all were visited recently it goes to the least recent one, and without any
    similar channel it stays. Steps before 0 are a second walk from the same start. ``similar`` lists the other channels
    of a layer, most similar first.
    """

    def __init__(self, start: Target, similar: Callable[[str, int], Sequence[int]], *, seed: int, shot: int) -> None:
        if start.kind != "layer" or start.channel is None:
            raise ConfigError("score.targets", start, "a walk starts at a channel such as stage4:61")
        self._start = start
        forward, backward = (np.random.default_rng([WALK_STREAM, seed, shot, stream]) for stream in (0, 1))
        self._forward = _Path(start.layer, start.channel, similar, forward, avoid=[])
        # Both directions must not start alike, or the walk would turn back at step 0.
        self._backward = _Path(start.layer, start.channel, similar, backward, avoid=[self._forward.channel(1)])

    def entry(self, number: int) -> TargetWeights:
        """The channel at step ``number``, at the start's place, region and octaves."""
        path = self._forward if number >= 0 else self._backward
        return {replace(self._start, channel=path.channel(abs(number))): 1.0}


class _Path:
    """The walk in one direction, extended on demand."""

    def __init__(
        self,
        layer: str,
        start: int,
        similar: Callable[[str, int], Sequence[int]],
        rng: np.random.Generator,
        avoid: list[int],
    ) -> None:
        self._layer, self._similar, self._rng, self._avoid = layer, similar, rng, avoid
        self._visited = [start]

    def channel(self, number: int) -> int:
        while len(self._visited) <= number:
            self._visited.append(self._next())
        return self._visited[number]

    def _next(self) -> int:
        here = self._visited[-1]
        others = [n for n in self._similar(self._layer, here) if n != here]
        recent = [*self._avoid, *self._visited[-WALK_MEMORY:]][-WALK_MEMORY:]
        fresh = [n for n in others if n not in recent][:WALK_CHOICES]
        if fresh:
            odds = 1.0 / np.arange(1, len(fresh) + 1)
            return int(fresh[int(self._rng.choice(len(fresh), p=odds / odds.sum()))])
        return int(min(others, key=lambda n: _last_visit(recent, n), default=here))


def _last_visit(recent: list[int], channel: int) -> int:
    return max((index for index, visited in enumerate(recent) if visited == channel), default=-1)
