"""The Caffe network against a twin that follows Caffe's layer list blob by blob."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.config import NetworkConfig
from pipeline.dream import model_zoo
from pipeline.dream.feature_extractor import LOGITS
from pipeline.dream.network import Network
from pipeline.errors import ConfigError, InputError
from pipeline.networks.bvlc_googlenet import BLOCKS

Blobs = dict[str, Tensor]
FILTERS = {"conv1/7x7_s2": (64, 3, 7), "conv2/3x3_reduce": (64, 64, 1), "conv2/3x3": (192, 64, 3)}


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def message(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def blob(values: Tensor, old: bool) -> bytes:
    data = message(5, values.numpy().tobytes())
    if old:
        sizes = [1] * (4 - values.dim()) + list(values.shape)
        return b"".join(varint(number << 3) + varint(size) for number, size in enumerate(sizes, 1)) + data
    return message(7, message(1, b"".join(map(varint, values.shape)))) + data


def caffemodel(weights: Mapping[str, tuple[Tensor, Tensor]], old: bool) -> bytes:
    """A NetParameter with a layer that has no weights, and one for each entry."""
    layer, name, blobs = (2, 4, 6) if old else (100, 1, 7)
    out = message(1, b"GoogleNet") + message(layer, message(name, b"data"))
    for key, parts in weights.items():
        out += message(layer, message(name, key.encode()) + b"".join(message(blobs, blob(p, old)) for p in parts))
    return out


def random_weights(classes: int) -> dict[str, tuple[Tensor, Tensor]]:
    shapes, inputs = dict(FILTERS), 192
    for name, (one, reduce3, three, reduce5, five, pool) in BLOCKS.items():
        shapes |= {
            f"inception_{name}/1x1": (one, inputs, 1),
            f"inception_{name}/3x3_reduce": (reduce3, inputs, 1),
            f"inception_{name}/3x3": (three, reduce3, 3),
            f"inception_{name}/5x5_reduce": (reduce5, inputs, 1),
            f"inception_{name}/5x5": (five, reduce5, 5),
            f"inception_{name}/pool_proj": (pool, inputs, 1),
        }
        inputs = one + three + five + pool
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for key, (outputs, channels, side) in shapes.items():
        scale = (2 / (channels * side**2)) ** 0.5
        filters = torch.randn(outputs, channels, side, side, generator=generator) * scale
        weights[key] = filters, torch.randn(outputs, generator=generator) * 0.1
    last = torch.randn(classes, inputs, generator=generator) * 0.03
    weights["loss3/classifier"] = last, torch.randn(classes, generator=generator)
    weights["loss1/classifier"] = torch.ones(7, 7), torch.ones(7)  # only training uses it
    return weights


def twin(frame: Tensor, weights: Mapping[str, tuple[Tensor, Tensor]]) -> Blobs:
    """Every blob for an RGB frame in [0, 1], as Caffe's deploy.prototxt lists them."""
    blobs = {"data": frame.flip(1) * 255 - torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1)}

    def conv(name: str, bottom: str, **options: int) -> None:
        blobs[name] = F.conv2d(blobs[bottom], *weights[name], **options).clamp(min=0)

    def pool(name: str, bottom: str, stride: int, padding: int = 0) -> None:
        blobs[name] = F.max_pool2d(blobs[bottom], 3, stride, padding, ceil_mode=True)

    def norm(name: str, bottom: str) -> None:
        squares = F.pad(blobs[bottom].square(), (0, 0, 0, 0, 2, 2)).unfold(1, 5, 1).sum(-1)
        blobs[name] = blobs[bottom] / (1 + 1e-4 / 5 * squares) ** 0.75

    conv("conv1/7x7_s2", "data", stride=2, padding=3)
    pool("pool1/3x3_s2", "conv1/7x7_s2", 2)
    norm("pool1/norm1", "pool1/3x3_s2")
    conv("conv2/3x3_reduce", "pool1/norm1")
    conv("conv2/3x3", "conv2/3x3_reduce", padding=1)
    norm("conv2/norm2", "conv2/3x3")
    pool("pool2/3x3_s2", "conv2/norm2", 2)
    bottom = "pool2/3x3_s2"
    for block in BLOCKS:
        name = f"inception_{block}"
        conv(f"{name}/1x1", bottom)
        conv(f"{name}/3x3_reduce", bottom)
        conv(f"{name}/3x3", f"{name}/3x3_reduce", padding=1)
        conv(f"{name}/5x5_reduce", bottom)
        conv(f"{name}/5x5", f"{name}/5x5_reduce", padding=2)
        pool(f"{name}/pool", bottom, 1, 1)
        conv(f"{name}/pool_proj", f"{name}/pool")
        branches = [blobs[f"{name}/{part}"] for part in ("1x1", "3x3", "5x5", "pool_proj")]
        blobs[f"{name}/output"] = torch.cat(branches, 1)
        bottom = f"{name}/output"
        if block in ("3b", "4e"):
            pool(f"pool{block[0]}/3x3_s2", bottom, 2)
            bottom = f"pool{block[0]}/3x3_s2"
    blobs[LOGITS] = F.linear(F.avg_pool2d(blobs[bottom], 7)[..., 0, 0], *weights["loss3/classifier"])
    return blobs


def load(path: Path) -> Network:
    return model_zoo.build(NetworkConfig(name="bvlc_googlenet", weights=str(path)))


@pytest.mark.parametrize(("old", "classes"), [(True, 1000), (False, 365)], ids=["bvlc", "places"])
def test_all_layers_are_those_of_caffe(tmp_path: Path, old: bool, classes: int) -> None:
    weights, path = random_weights(classes), tmp_path / "net.caffemodel"
    path.write_bytes(caffemodel(weights, old))
    network, frame = load(path), torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    expected = twin(frame, weights)
    del expected["data"]
    layers = {name: network.resolve(name, "key") if name != LOGITS else name for name in expected}
    maps = network.activations(frame, layers.values())
    assert len(maps) == len(expected) == 82
    for name, blob in expected.items():
        assert maps[layers[name]].shape == blob.shape
        assert float((maps[layers[name]] - blob).abs().max() / blob.abs().max()) < 1e-5, name
    assert len(network.classes) == classes and network.class_index(str(classes - 1), "key") == classes - 1


def test_damaged_files_are_named(tmp_path: Path) -> None:
    whole, path = caffemodel(random_weights(1000), True), tmp_path / "net.caffemodel"
    for content in (whole[:1_000_000], b"\xff" * 1000, whole[:50] + b"\x00" * 50):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"network.weights=.*(damaged|not a table|not weights)"):
            load(path)


def test_missing_weights_name_the_file_to_fetch() -> None:
    with pytest.raises(InputError, match=r"fetch http.*bvlc_googlenet.caffemodel and give network.weights=FILE"):
        model_zoo.build(NetworkConfig(name="bvlc_googlenet"))


@pytest.mark.parametrize(
    ("name", "layer", "channels"),
    [
        ("mixed4c", "inception4c", 512),
        ("Mixed_4d", "inception4c", 512),
        ("inception_4c/output", "inception4c", 512),
        ("mixed4d_3x3_bottleneck", "inception4d.branch2.0", 144),
        ("inception_4d/5x5", "inception4d.branch3.1", 64),
        ("conv2d2", "conv3", 192),
    ],
)
def test_torchvision_googlenet_knows_other_programs_names(name: str, layer: str, channels: int) -> None:
    from pipeline.targets.layer_names import known_layers

    layers = known_layers("googlenet")
    assert layers is not None and layers.resolve(name, "key") == layer and layers.count(name) == channels
    with pytest.raises(ConfigError):
        layers.resolve("mixed6a", "key")
