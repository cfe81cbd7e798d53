"""``network=mine.safetensors``: the settings of a network that ``python -m pipeline.train`` wrote."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.networks.trained_header import read_trained_header
from pipeline.runtime.files import expand_home

SUFFIX = ".safetensors"
MAX_TARGETS = 12


def settings_of(file: str) -> dict[str, Any]:
    """``network`` (its base), ``network.weights`` and ``network.targets`` (its classes) of a trained network.

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
    return {"network": header.base, "network.weights": str(path), "network.targets": targets}


def expand(overrides: Sequence[str]) -> list[str]:
    """Overrides in which ``network=FILE`` is written out; what else they say about the network comes later and wins."""
    first, rest = list[str](), list[str]()
    for word in overrides:
        key, _, value = word.partition("=")
        if key.lstrip("+") == "network" and value.strip("\"'").endswith(SUFFIX):
            settings = settings_of(value.strip("\"'"))
            targets = ",".join(f'"{target}"' for target in settings.pop("network.targets"))
            first += [*(f"{name}={text}" for name, text in settings.items()), f"network.targets=[{targets}]"]
        else:
            rest.append(word)
    return [*first, *rest]


def expand_entry(entry: dict[str, Any]) -> dict[str, Any]:
    """A shot of a film in which ``network: FILE`` is written out."""
    network = entry.get("network")
    if not (isinstance(network, str) and network.endswith(SUFFIX)):
        return entry
    return {**settings_of(network), **{name: value for name, value in entry.items() if name != "network"}}
