"""A walk through the channels of one layer, from neighbour to neighbour."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from pipeline.errors import ConfigError
from pipeline.score.sight import Sight
from pipeline.target import Target

Neighbours = Callable[[str, int], Sequence[int]]
"""(layer, channel) → the other channels of the layer, nearest first."""

CHOICE = 6
MEMORY = 8
_STREAM = 2


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
        onward, back = (np.random.default_rng([_STREAM, seed, shot, way]) for way in (0, 1))
        self._onward = _Path(layer, start.channel, neighbours, onward, avoid=[])
        # The way back must not begin as the way onward does, or the walk would return at step 0.
        first = self._onward.channel(1)
        self._back = _Path(layer, start.channel, neighbours, back, avoid=[first])

    def sight(self, number: int) -> Sight:
        """The channel seen at step ``number``."""
        path = self._onward if number >= 0 else self._back
        # Its place, region and octaves go with it.
        return {str(replace(self._start, channel=path.channel(abs(number)))): 1.0}


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
