"""The header of the file of a trained generator: model, shape, class names, card. No torch."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.networks.metadata import read_metadata
from pipeline.runtime.files import check_regular

FORMAT = "dream-zoom mind 1"
EMBEDDED = Path(__file__).with_name("vae.safetensors")
BUILT_IN = {"vae": EMBEDDED, "helmholtz": Path(__file__).with_name("helmholtz.safetensors")}
"""The built-in generators, by model."""
MAX_AGES = 64
SIZES = (8, 16, 32, 64, 128, 256)
MAX_SIZES = {"vae": 256, "helmholtz": 64, "gan": 256}
"""Pixels on the side of the largest pictures, by model."""
MAX_LATENT, MAX_CLASSES = 1024, 10_000


@dataclass(frozen=True)
class Shape:
    """What a generator's weights are made for: pictures of ``size`` × ``size``, ``latent`` numbers, ``classes``."""

    size: int = 64
    latent: int = 48
    classes: int = 1


@dataclass(frozen=True)
class Header:
    """Everything in the file of a generator but its weights."""

    model: str
    shape: Shape
    classes: tuple[str, ...]
    card: dict[str, Any]
    ages: int = 0
    """Earlier states of the weights in the file, from the first step on."""


def read_header(path: Path) -> Header:
    """The header of the generator at ``path``. Raises InputError for any other file."""
    name = f"imagine.weights={path}"
    check_regular(path, name)
    try:
        metadata = read_metadata(path)
        if metadata.get("format") != FORMAT:
            raise ValueError("another kind of safetensors file")
        shape, card = json.loads(metadata["shape"]), json.loads(metadata["card"])
        classes = tuple(str(word) for word in card["classes"])
        sizes = Shape(int(shape["size"]), int(shape["latent"]), len(classes))
        if sizes.size not in SIZES or sizes.size > MAX_SIZES[metadata["model"]]:
            raise ValueError("an impossible size")
        if not 1 <= sizes.latent <= MAX_LATENT or not 1 <= sizes.classes <= MAX_CLASSES:
            raise ValueError("an impossible shape")
        if not 0 <= (ages := int(shape.get("ages", 0))) <= MAX_AGES:
            raise ValueError("an impossible number of earlier states")
        return Header(metadata["model"], sizes, classes, card, ages)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        others = "StyleGAN and other published generators do not fit"
        raise InputError(
            f"{name}: it was not made by python -m pipeline.imagine train ({others}), or it is damaged"
        ) from error
