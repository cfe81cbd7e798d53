"""Targets drawn at random, the same ones for the same seed and shot."""

from collections.abc import Callable, Sequence

import numpy as np

from pipeline.errors import ConfigError
from pipeline.score.sight import Moving, Sight

_STREAM = 1
"""Keeps these random numbers apart from those of the walk for the same seed and shot."""


def draw_channels(
    count: int,
    layers: Sequence[str],
    channels: Callable[[str], int],
    *,
    seed: int,
    shot: int,
) -> list[Sight]:
    """``count`` different channels; each layer is as likely as the next, however wide it is.

    They are meant to be cycled: since all differ, none is seen twice running, at the wrap either.
    Raises ConfigError if the layers do not have that many channels.
    """
    rng = np.random.default_rng([_STREAM, seed, shot])
    decks = [[f"{layer}:{n}" for n in rng.permutation(channels(layer))] for layer in dict.fromkeys(layers)]
    total = sum(len(deck) for deck in decks)
    _check_count(count, total, f"the {total} channels of {', '.join(layers)}")
    drawn: list[Sight] = []
    while len(drawn) < count:
        deck = decks[int(rng.integers(len(decks)))]
        drawn.append({deck.pop(): 1.0})
        decks = [deck for deck in decks if deck]
    return drawn


def draw_sights(count: int, sights: Sequence[Moving], *, seed: int, shot: int) -> list[Moving]:
    """``count`` of the given sights, each at most once, in random order."""
    rng = np.random.default_rng([_STREAM, seed, shot])
    _check_count(count, len(sights), f"the {len(sights)} entries of score.targets")
    return [sights[n] for n in rng.permutation(len(sights))[:count]]


def _check_count(count: int, total: int, source: str) -> None:
    if not 1 <= count <= total:
        raise ConfigError("score.draw", count, f"draw at least 1 and at most {source}")
