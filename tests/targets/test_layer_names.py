"""The layers of known networks, as listed in the file."""

from pathlib import Path

import pytest
import torch

from pipeline.config import NETWORKS
from pipeline.dream import model_zoo
from pipeline.dream.weights import Weights
from pipeline.targets.layer_names import known_layers, weights_file


@pytest.mark.parametrize("name", NETWORKS)
def test_listed_layers_are_those_of_the_network(name: str) -> None:
    if name in model_zoo.OWN:
        with torch.random.fork_rng(devices=[]):
            network, file = model_zoo.dress_own(name, model_zoo.OWN[name].build(), Weights(Path(name), "")), ""
    else:
        network = model_zoo.dress(name, model_zoo.architecture(name), Weights(Path(name), ""))
        file = model_zoo.published_file(name)
    listed = known_layers(name)
    assert listed == network.named, "run scripts/list_layers.py"
    assert list(listed.channels) == list(network.named.channels)  # shallow to deep
    assert weights_file(name) == file


def test_other_networks_are_unknown() -> None:
    assert known_layers("regnet_y_400mf") is None and weights_file("regnet_y_400mf") == ""
