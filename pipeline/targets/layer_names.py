"""The layers of a network by name, with their channel counts. The known networks' are listed in a file, so that a
score can be read and drawn without loading any network.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError, nearest

KNOWN = Path(__file__).parents[1] / "networks" / "layers.json"
INNER = ("features", "classifier", "head", "verdict")  # what holds other layers, or answers for classes


@dataclass(frozen=True)
class Layers:
    """``channels`` maps every layer that has a map of channels to their number, shallow to deep; ``short`` the
    field's own names for some of them to the full ones.
    """

    network: str
    channels: Mapping[str, int]
    short: Mapping[str, str]

    def resolve(self, layer: str, key: str) -> str:
        """The layer's full name for a full or short one, underscores and capitals aside.

        Raises ConfigError with the nearest names.
        """
        if layer in self.channels:
            return layer
        names = {plain(name): name for name in self.channels} | {plain(k): v for k, v in self.short.items()}
        if plain(layer) in names:
            return names[plain(layer)]
        hint = nearest(layer, [*self.channels, *self.short])
        raise ConfigError(key, layer, f"{self.network} has no such layer{hint}; it has {', '.join(self.main())}")

    def count(self, layer: str, key: str = "score.layers") -> int:
        """How many channels the layer has."""
        return self.channels[self.resolve(layer, key)]

    def main(self) -> list[str]:
        """The layers that a person would name, shallow to deep."""
        outer = [name for name in self.channels if "." not in name and name not in INNER]
        return list(self.short) or outer


def known_layers(network: str) -> Layers | None:
    """The layers of a network that is listed, else None."""
    listed = _listed().get(network)
    return None if listed is None else Layers(network, listed["channels"], listed["short"])


def weights_file(network: str) -> str:
    """The name of a known network's file of published weights; empty where there is none."""
    return str(_listed().get(network, {}).get("file", ""))


def plain(name: str) -> str:
    """The name without what people write differently: capitals, blanks, underscores, hyphens, apostrophes."""
    return re.sub(r"[\s_\-']", "", name).lower()


@lru_cache(maxsize=1)
def _listed() -> dict[str, dict[str, Any]]:
    listed: dict[str, dict[str, Any]] = json.loads(KNOWN.read_text(encoding="utf-8"))
    return listed
