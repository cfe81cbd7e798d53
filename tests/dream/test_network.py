from pathlib import Path

import pytest
import torch

from pipeline.config import NetworkConfig
from pipeline.dream import zoo
from pipeline.dream.network import Network
from pipeline.dream.trace import LOGITS, cut
from pipeline.dream.weights import Weights
from pipeline.errors import ConfigError

NAMES = [
    *("squeezenet1_0", "squeezenet1_1", "googlenet", "inception_v3", "vgg16", "vgg19", "resnet50", "densenet121"),
    *("mobilenet_v3_large", "efficientnet_b0", "convnext_tiny", "regnet_y_400mf", "shufflenet_v2_x1_0"),
]


def bare(name: str) -> Network:
    """A known network without weights (meta tensors): enough for names and shapes."""
    return zoo.dress(name, zoo.architecture(name), Weights(Path(name), ""))


@pytest.mark.parametrize("name", NAMES)
def test_every_known_network_can_be_taken_apart(name: str) -> None:
    taken = bare(name)
    assert len(taken.main_layers()) >= 4
    assert all(taken.channels(layer) >= 8 for layer in taken.main_layers()[1:-1])
    assert len(taken.classes) == 1000
    assert taken.smallest([taken.resolve(taken.main_layers()[-1], "key")]) <= 96


@pytest.mark.parametrize(
    ("name", "short", "full", "channels"),
    [
        ("squeezenet1_0", "fire9", "features.12", 512),
        ("squeezenet1_1", "fire5", "features.7", 256),
        ("googlenet", "inception4c", "inception4c", 512),
        ("googlenet", "Inception4C", "inception4c", 512),
        ("inception_v3", "mixed6b", "Mixed_6b", 768),
        ("vgg16", "relu4_3", "features.22", 512),
        ("vgg19", "conv5_4", "features.34", 512),
        ("densenet121", "dense3", "features.denseblock3", 1024),
        ("resnet50", "layer3.4", "layer3.4", 1024),
        ("convnext_tiny", "stage5", "features.5", 384),
    ],
)
def test_layers_have_their_own_and_short_names(name: str, short: str, full: str, channels: int) -> None:
    taken = bare(name)
    assert taken.resolve(short, "key") == full
    assert taken.channels(short) == channels


def test_activations_are_those_of_the_whole_network(tiny: Network) -> None:
    frame = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(0))
    maps = tiny.activations(frame, ["one", "two", "three", LOGITS])
    alone = tiny.activations(frame, ["one"])
    assert maps["one"].shape == (1, 8, 40, 56)
    assert maps["three"].shape == (1, 16, 10, 14)
    assert maps[LOGITS].shape == (1, 10)
    assert torch.equal(maps["one"], alone["one"])


def test_a_layer_before_an_inplace_one_keeps_its_values(tiny: Network) -> None:
    frame = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(0))
    maps = tiny.activations(frame, ["one.0", "one.1"])
    assert float(maps["one.0"].min()) < 0
    assert torch.equal(maps["one.0"].relu(), maps["one.1"])


def test_what_lies_past_the_deepest_wanted_layer_is_not_there(tiny: Network) -> None:
    pruned = cut(tiny._model, tiny._graph, tiny._nodes, frozenset({"two"}))
    assert not any("three" in name or "head" in name for name, _ in pruned.named_modules())


def test_branches_that_nothing_needs_are_pruned() -> None:
    taken = bare("googlenet")
    pruned = cut(taken._model, taken._graph, taken._nodes, frozenset({"inception4c.branch4"}))
    names = [name for name, _ in pruned.named_modules()]
    assert any("inception4c.branch4" in name for name in names)
    assert not any("inception4c.branch1" in name for name in names)


def test_weights_take_no_gradient(tiny: Network) -> None:
    frame = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    tiny.activations(frame, ["three"])["three"].sum().backward()
    assert frame.grad is not None
    assert all(parameter.grad is None for parameter in tiny._model.parameters())


def test_an_unknown_network_is_said_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"network.name=googlenett: no such network \(did you mean googlenet"):
        zoo.build(NetworkConfig(name="googlenett"))


def test_a_network_of_fixed_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="choose a convolutional one"):
        bare("vit_b_16").smallest([LOGITS])


def test_real_weights_see_the_lion(shared: Path) -> None:
    from pipeline.media.stills import load_still

    path = shared / "weights" / "squeezenet1_0-imagenet.pth"
    seeing = zoo.build(NetworkConfig(name="squeezenet1_0", weights=str(path)))
    lion = load_still(shared / "media" / "lion.jpg", width=256, height=256)
    logits = seeing.activations(lion, [LOGITS])[LOGITS]
    assert int(logits.argmax()) == seeing.class_index("lion", "key")
    assert float(logits.softmax(1).max()) > 0.9
    assert seeing.weights.sha256.startswith("fcaa6a3b")
