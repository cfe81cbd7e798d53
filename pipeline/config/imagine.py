"""The settings of generated pictures: a start, or a walk under the dream."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option


@dataclass
class ImagineConfig:
    """Which pictures a trained generator makes (``start=imagine``, ``source=imagine``)."""

    weights: str | None = option(
        None, "file of python -m pipeline.imagine train; null: the one that comes along, of 42 drawn motifs"
    )
    z: Any = option(
        None,
        "which picture: seed:7, class:owl, class:owl seed:7; dream: what fires the first targets; in time "
        "0s: seed:1, 4s: class:owl; null: by seed",
    )
    truncation: float = option(
        0.7, "how far pictures are from the typical one of their class: 0 not at all, 1 as in training", low=0, high=2
    )
    fit: str = option(
        "whole", "the whole picture on its continued ground, or one that fills the frame", choices=("whole", "fill")
    )
    speed: Any = option(0.25, "pictures per second of a walk without keyframes", low=0, high=24, curve=True)
