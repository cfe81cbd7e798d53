"""What a generator is to make: which pictures, and when. No torch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.networks.mind_header import Header


@dataclass(frozen=True)
class Place:
    """One picture of a generator: the seed of its noise, and its class; None: the seed decides.

    ``is_dreamed``: from there on to the picture that fires the film's first targets. ``photograph``: the picture
    nearest to this file, of any class without one.
    """

    seed: int
    label: int | None
    is_dreamed: bool = False
    photograph: Path | None = None

    def class_index(self, classes: int) -> int:
        """The class, of so many."""
        return int(np.random.default_rng([self.seed]).integers(classes)) if self.label is None else self.label


@dataclass(frozen=True)
class ImaginePlan:
    """Pictures ``places`` at ``times`` in seconds; one alone begins a walk through the seeds after it, at ``speed``.

    ``age`` is how far in its training the generator is, from 0 to 1, at a second.
    """

    header: Header
    path: Path
    times: tuple[float, ...]
    places: tuple[Place, ...]
    speed: Callable[[float], float]
    age: Callable[[float], float]
