from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from pipeline.config import NetworkConfig
from pipeline.dream import model_zoo
from pipeline.dream.network import Network
from pipeline.errors import ConfigError, InputError

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    """Random weights of a network."""
    model, generator = model_zoo.architecture("squeezenet1_1").to_empty(device="cpu"), torch.Generator().manual_seed(0)
    for tensor in model.state_dict().values():
        tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5 if tensor.dim() > 1 else 0.01, generator=generator)
    return dict(model.state_dict())


def load(content: Any, folder: Path, **settings: Any) -> Network:
    torch.save(content, folder / "w.pth")
    return model_zoo.build(NetworkConfig(name="squeezenet1_1", weights=str(folder / "w.pth"), **settings))


def prefixed(state: State, prefix: str) -> State:
    return {prefix + name: tensor for name, tensor in state.items()}


def other(state: State) -> State:
    return {name: tensor * 0.5 for name, tensor in state.items()}


CHECKPOINTS = {
    "parallel": lambda s: prefixed(s, "module."),
    "compiled": lambda s: prefixed(s, "_orig_mod."),
    "lightning": lambda s: {"state_dict": prefixed(s, "model.") | {"loss.weight": torch.ones(5)}, "epoch": 3},
    "robust": lambda s: {"model": prefixed(s, "module.model.") | prefixed(other(s), "module.attacker.net.")},
    "training": lambda s: {
        "model_state_dict": s,
        "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}},
        "args": Namespace(lr=0.1),
        "best": np.float64(0.7),
    },
    "average": lambda s: {"state_dict": other(s), "ema": prefixed(s, "module.")},
    "counted": lambda s: s | {"total_ops": torch.zeros(1), "features.0.total_params": torch.zeros(1)},
}


@pytest.mark.parametrize("wrap", CHECKPOINTS.values(), ids=CHECKPOINTS)
def test_wrapped_checkpoints_load(state: State, tmp_path: Path, wrap: Any) -> None:
    loaded = load(wrap(state), tmp_path).model.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in state.items())


def test_other_networks_of_published_names_lose_prefixes(tmp_path: Path) -> None:
    network = model_zoo.build(NetworkConfig(name="efficientnet_lite0"))
    published = torch.load(network.weights.path, weights_only=True)
    save_file({k: v.contiguous() for k, v in prefixed(published, "module.").items()}, tmp_path / "lite.safetensors")
    again = model_zoo.build(NetworkConfig(name="efficientnet_lite0", weights=str(tmp_path / "lite.safetensors")))
    assert torch.equal(network.model.state_dict()["head.0.weight"], again.model.state_dict()["head.0.weight"])


def places(state: State) -> State:
    return state | {name: state[name][:365].clone() for name in ("classifier.1.weight", "classifier.1.bias")}


def test_other_class_counts_are_dreamed_by_number_and_name(state: State, tmp_path: Path) -> None:
    network = load(places(state), tmp_path)
    assert network.class_index("364", "key") == 364
    assert network.layers[network.class_layer] == 365
    with pytest.raises(ConfigError, match="knows no such class; allowed are 0 to 364"):
        network.class_index("365", "key")
    with pytest.raises(ConfigError, match=r"only 0 to 364; network\.class_names=FILE gives names"):
        network.class_index("cliff", "key")
    names = tmp_path / "categories.txt"
    names.write_text("".join(f"/p/hall_{n}_big {n}\n" for n in range(365)))
    named = load(places(state), tmp_path, class_names=str(names))
    assert named.class_index("hall 48 big", "key") == 48
    names.write_text("airfield\nalley\n")
    with pytest.raises(InputError, match="it has 2 names; the network has 365 classes"):
        load(places(state), tmp_path, class_names=str(names))


def test_grey_first_layers_see_brightness(state: State, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    grey = {"features.0.weight": state["features.0.weight"].sum(dim=1, keepdim=True)}
    with caplog.at_level("INFO"):
        network = load(state | grey, tmp_path)
    assert "brightness" in caplog.text
    picture = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)).expand(1, 3, 64, 64)
    first = network.model.get_submodule("features.0")
    expected = torch.nn.functional.conv2d(picture[:, :1], grey["features.0.weight"], state["features.0.bias"], stride=2)
    assert torch.allclose(first(picture), expected, atol=1e-5)


def test_whole_models_are_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing in it was run; save model.state_dict\(\), not the model"):
        load(torch.nn.ReLU(), tmp_path)
