"""The settings of generated pictures: a start, or a walk under the dream."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option


@dataclass
class ImagineConfig:
    """Which pictures a trained generator makes (``start=imagine``, ``source=imagine``)."""

    weights: str | None = option(
        None, "file of python -m pipeline.imagine train; null: a built-in one, of 42 drawn motifs (imagine.model)"
    )
    model: str = option(
        "vae",
        "which built-in generator: vae (an autoencoder) or helmholtz (a Helmholtz machine)",
        choices=("vae", "helmholtz"),
    )
    z: Any = option(
        None,
        "which picture: seed:7, class:owl, class:owl seed:7; dream: what activates the first targets; encode: the one "
        "nearest to start.path, encode:to to imagine.to; in time 0s: seed:1, 4s: class:owl; null: by seed",
    )
    to: str | None = option(None, "a second photograph, for imagine.z='0s: encode, 100%: encode:to'")
    truncation: float = option(
        0.7, "how far pictures are from the typical one of their class: 0 not at all, 1 as in training", low=0, high=2
    )
    fit: str = option(
        "whole", "the whole picture on its continued ground, or one that fills the frame", choices=("whole", "fill")
    )
    age: Any = option(
        1.0,
        "how far in its training the generator is; below 1 for models with earlier states",
        low=0,
        high=1,
        curve=True,
    )
    speed: Any = option(0.25, "pictures per second of a walk without keyframes", low=0, high=24, curve=True)
