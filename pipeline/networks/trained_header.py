"""The header of a network that ``python -m pipeline.train`` wrote: its base, class names, model card. No torch."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.networks.metadata import read_metadata

FORMAT = "dream-zoom network 1"
BASES = ("motifnet", "efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
MAX_CLASSES = 1000
NOTHING = "nothing"
"""The last class: scrambled and blurred pictures."""


@dataclass(frozen=True)
class TrainedHeader:
    """Everything in the file but the weights. The last class is ``NOTHING``."""

    base: str
    classes: tuple[str, ...]
    card: dict[str, Any]


def read_trained_header(path: Path) -> TrainedHeader | None:
    """The header of the file at ``path``; None for any other file."""
    if path.suffix != ".safetensors" or not path.is_file():
        return None
    try:
        metadata = read_metadata(path)
        if metadata.get("format") != FORMAT:
            return None
        classes, card = json.loads(metadata["classes"]), json.loads(metadata["card"])
    except (OSError, ValueError, KeyError, RecursionError):
        return None
    if not (isinstance(classes, list) and isinstance(card, dict) and 3 <= len(classes) <= MAX_CLASSES + 1):
        return None
    fits = metadata.get("base") in BASES and all(isinstance(name, str) and is_class_name(name) for name in classes)
    return TrainedHeader(metadata["base"], tuple(classes), card) if fits else None


def is_class_name(name: str) -> bool:
    """Whether targets can name a class so: letters, digits, underscores and hyphens, and not a number alone."""
    return bool(re.fullmatch(r"\w[\w-]{0,99}", name)) and not name.isdecimal()


def class_names(folders: tuple[str, ...]) -> tuple[str, ...]:
    """The names that targets have for classes in ``folders``: no two alike."""
    names: list[str] = []
    for folder in folders:
        name = re.sub(r"[^\w-]+", "_", folder).strip("_-")[:80] or "class"
        name = f"class_{name}" if name.isdecimal() else name
        same = sum(each.lower() == name.lower() for each in names)
        while same and any(each.lower() == f"{name}_{same + 1}".lower() for each in names):
            same += 1
        names.append(f"{name}_{same + 1}" if same else name)
    return tuple(names)
