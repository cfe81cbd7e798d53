"""What a generator is to make: which pictures, and when. No torch."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import RenderConfig
from pipeline.networks.generator_header import Header


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
        if self.label is not None:
            return self.label
        import numpy as np  # --help and checks of settings load it only if they need it

        return int(np.random.default_rng([self.seed]).integers(classes))


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


def encodes_start(config: RenderConfig) -> bool:
    """Whether a generator makes the picture nearest to ``start.path``."""
    has_pictures = "imagine" in (config.start.kind, config.source.kind)
    return has_pictures and re.search(r"encode(?!:)", str(config.imagine.z)) is not None
