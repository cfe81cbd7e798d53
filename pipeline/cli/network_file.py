"""``network=mine.safetensors``: the settings of a network that ``python -m pipeline.train`` wrote."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.cli.quoted_texts import in_quotes
from pipeline.cli.sanitize import add_choice
from pipeline.config.literal import literal
from pipeline.errors import InputError
from pipeline.networks.trained_header import read_trained_header
from pipeline.runtime.files import expand_home

SUFFIX = ".safetensors"
MAX_TARGETS = 12


def settings_of(file: str) -> dict[str, Any]:
    """``network`` (its base), ``network.weights`` and ``network.default_targets`` (its classes) of a trained network.

    Raises InputError for any other file.
    """
    path = Path(expand_home(file))
    if not path.is_file():
        raise InputError(f"network={file}: there is no such file")
    header = read_trained_header(path)
    if header is None:
        raise InputError(
            f"network={file}: it was not made by python -m pipeline.train, or it is damaged; "
            "for weights of your own give network=ARCHITECTURE network.weights=FILE"
        )
    targets = [f"class:{name}" for name in header.classes[:-1][:MAX_TARGETS]]
    return {"network": header.base, "network.weights": str(path), "network.default_targets": targets}


def expand(overrides: Sequence[str], *, sweep: bool = False) -> list[str]:
    """Overrides in which ``network=FILE`` is written out; what else they say about the network comes later and wins.

    In a ``sweep`` over several networks each file becomes a choice of Hydra's.
    """
    first, rest = list[str](), list[str]()
    for word in overrides:
        key, _, value = word.partition("=")
        names = [name.strip("\"' ") for name in value.split(",")]
        if key.lstrip("+") != "network" or not any(name.endswith(SUFFIX) for name in names):
            rest.append(word)
        elif len(names) > 1 and not Path(value.strip("\"'")).is_file():
            choices = [_choice(name) if sweep and name.endswith(SUFFIX) else name for name in names]
            rest.append(f"network={','.join(choices)}")
        else:
            settings = settings_of(value.strip("\"'"))
            targets = ",".join(f'"{target}"' for target in settings.pop("network.default_targets"))
            first += [*(f"{name}={text}" for name, text in settings.items()), f"network.default_targets=[{targets}]"]
    return [*first, *rest]


def _choice(file: str) -> str:
    """Make the trained network a choice of the group ``network``; its name, in quotes."""
    settings, name = settings_of(file), os.path.relpath(expand_home(file))
    own = {"weights": literal(settings["network.weights"]), "default_targets": settings["network.default_targets"]}
    add_choice("network", name, settings["network"], {"network": own})
    return in_quotes(name)


def expand_entry(entry: dict[str, Any]) -> dict[str, Any]:
    """A shot of a film in which ``network: FILE`` is written out."""
    network = entry.get("network")
    if not (isinstance(network, str) and network.endswith(SUFFIX)):
        return entry
    return {**settings_of(network), **{name: value for name, value in entry.items() if name != "network"}}
