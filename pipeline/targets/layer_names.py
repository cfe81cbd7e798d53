"""Layer names of a network, with their channel counts. Those of known networks are in a file, so that a score can be
checked and drawn without loading any network.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError, nearest

KNOWN = Path(__file__).parents[1] / "networks" / "layers.json"
CONTAINERS = ("features", "classifier", "head", "verdict")  # hold other layers, or give the classes


@dataclass(frozen=True)
class Layers:
    """``channels`` maps every layer with a feature map to its number of channels, shallow to deep; ``short`` maps
    common short names to full ones. ``aliases`` are names in other programs.
    """

    network: str
    channels: Mapping[str, int]
    short: Mapping[str, str]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def resolve(self, layer: str, key: str) -> str:
        """The full name of a layer; blanks, underscores, hyphens and case do not matter.

        Raises ConfigError with the nearest names.
        """
        if (dotted := layer.replace("/", ".")) in self.channels:  # Caffe's names have slashes
            return dotted
        if layer in self.aliases:
            return self.aliases[layer]
        names = {plain(name): name for name in self.channels} | {plain(k): v for k, v in self.short.items()}
        if plain(layer) in names:
            return names[plain(layer)]
        hint = nearest(layer, [*self.channels, *self.short])
        also = f"; a class is written class:{layer}" if re.fullmatch(r"[a-z _-]+", layer, re.IGNORECASE) else ""
        raise ConfigError(key, layer, f"{self.network} has no such layer{hint}; it has {', '.join(self.main())}{also}")

    def count(self, layer: str, key: str = "score.layers") -> int:
        """The number of channels of a layer."""
        return self.channels[self.resolve(layer, key)]

    def main(self) -> list[str]:
        """The layers that users name, shallow to deep."""
        outer = [name for name in self.channels if "." not in name and name not in CONTAINERS]
        return list(self.short) or outer


def known_layers(network: str) -> Layers | None:
    """The layers of a known network, else None."""
    entry = _known_networks().get(network)
    return None if entry is None else Layers(network, entry["channels"], entry["short"], entry["aliases"])


def all_layers() -> Iterator[Layers]:
    """The layers of every known network."""
    for name in _known_networks():
        layers = known_layers(name)
        assert layers is not None
        yield layers


def weights_file(network: str) -> str:
    """The file name of the published weights of a known network; empty if there are none."""
    return str(_known_networks().get(network, {}).get("file", ""))


def plain(name: str) -> str:
    """``name`` in lower case without blanks, underscores, hyphens and apostrophes."""
    return re.sub(r"[\s_\-']", "", name).lower()


@lru_cache(maxsize=1)
def _known_networks() -> dict[str, dict[str, Any]]:
    networks: dict[str, dict[str, Any]] = json.loads(KNOWN.read_text(encoding="utf-8"))
    return networks
