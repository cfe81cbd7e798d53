"""Writes pipeline/networks/layers.json: the layers, channel counts and weight files of the known networks.

    python scripts/list_layers.py

To be run when a network is added to pipeline.config.NETWORKS or MotifNet's architecture changes. It downloads nothing.
"""

import json
import sys
from pathlib import Path
from urllib.parse import urlparse

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.config import NETWORKS, NetworkConfig
from pipeline.dream import model_zoo
from pipeline.dream.network import Network
from pipeline.dream.weights import Weights
from pipeline.targets.layer_names import KNOWN


def bare(name: str) -> Network:
    """The network without its weights, which names and shapes do not need."""
    if name == "motifnet":
        return model_zoo.build(NetworkConfig(name="motifnet"))
    return model_zoo.dress(name, model_zoo.architecture(name), Weights(Path(name), ""))


def listed(name: str) -> dict[str, object]:
    """One network's entry."""
    network = bare(name)
    file = "" if name == "motifnet" else Path(urlparse(str(model_zoo._published(name).url)).path).name
    return {"file": file, "channels": network.named.channels, "short": network.named.short}


def main() -> None:
    table = {name: listed(name) for name in NETWORKS}
    rows = ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in table.items())
    KNOWN.write_text(f"{{\n{rows}\n}}\n", encoding="utf-8")
    print(f"{KNOWN}: {len(table)} networks, {sum(len(n['channels']) for n in table.values())} layers")


if __name__ == "__main__":
    main()
