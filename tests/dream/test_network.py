import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from pipeline.config import NetworkConfig
from pipeline.dream import model_zoo
from pipeline.dream.feature_extractor import LOGITS, trace
from pipeline.dream.network import Network
from pipeline.dream.weights import Weights
from pipeline.errors import ConfigError

NAMES = [
    *("squeezenet1_0", "squeezenet1_1", "googlenet", "inception_v3", "vgg16", "vgg19", "resnet50", "densenet121"),
    *("mobilenet_v3_large", "efficientnet_b0", "convnext_tiny", "regnet_y_400mf", "shufflenet_v2_x1_0"),
]


def bare(name: str) -> Network:
    """A known network without weights (meta tensors): enough for names and shapes."""
    return model_zoo.dress(name, model_zoo.architecture(name), Weights(Path(name), ""))


@pytest.mark.parametrize("name", NAMES)
def test_every_network_can_be_traced(name: str) -> None:
    network = bare(name)
    assert len(network.main_layers()) >= 4
    assert all(network.channels(layer) >= 8 for layer in network.main_layers()[1:-1])
    assert len(network.classes) == 1000
    assert network.min_side([network.resolve(network.main_layers()[-1], "key")]) <= 96


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
    network = bare(name)
    assert network.resolve(short, "key") == full
    assert network.channels(short) == channels


def test_activations_are_those_of_the_whole_network(tiny: Network) -> None:
    frame = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(0))
    maps = tiny.activations(frame, ["one", "two", "three", LOGITS])
    alone = tiny.activations(frame, ["one"])
    assert maps["one"].shape == (1, 8, 40, 56)
    assert maps["three"].shape == (1, 16, 10, 14)
    assert maps[LOGITS].shape == (1, 10)
    assert torch.equal(maps["one"], alone["one"])


def test_in_place_operations_overwrite_no_layer(tiny: Network) -> None:
    frame = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(0))
    maps = tiny.activations(frame, ["one.0", "one.1"])
    assert float(maps["one.0"].min()) < 0
    assert torch.equal(maps["one.0"].relu(), maps["one.1"])


def test_layers_past_the_deepest_are_pruned(tiny: Network) -> None:
    pruned = tiny.extractor(frozenset({"two"}), False)
    assert not any("three" in name or "head" in name for name, _ in pruned.named_modules())


def test_unused_branches_are_pruned() -> None:
    network = bare("googlenet")
    pruned = network.extractor(frozenset({"inception4c.branch4"}), False)
    names = [name for name, _ in pruned.named_modules()]
    assert any("inception4c.branch4" in name for name in names)
    assert not any("inception4c.branch1" in name for name in names)


def test_weights_take_no_gradient(tiny: Network) -> None:
    frame = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    tiny.activations(frame, ["three"])["three"].sum().backward()
    assert frame.grad is not None
    assert all(parameter.grad is None for parameter in tiny.model.parameters())


def random(name: str) -> Network:
    """A known network with random weights, on the scale of real ones."""
    generator = torch.Generator().manual_seed(0)
    model = model_zoo.architecture(name).to_empty(device="cpu")
    for key, values in model.state_dict().items():
        if key.endswith(("running_var", "weight")) and values.dim() == 1:
            values.uniform_(0.5, 1.5, generator=generator)
        elif values.is_floating_point():
            fan = values[0].numel() if values.dim() > 1 and "scale" not in key else 100
            values.normal_(0, (2 / fan) ** 0.5, generator=generator)
    return model_zoo.dress(name, model, Weights(Path(name), ""))


def forward_and_back(extractor: nn.Module, network: Network, frame: torch.Tensor) -> list[torch.Tensor]:
    """The extractor's maps, in the order of their layers' names, and the gradient of their sum, under autocast."""
    leaf = frame.clone().requires_grad_(True)
    with torch.autocast("cpu", network.precision):
        maps = extractor(network.normalise(leaf))
    values = [maps[layer].float() for layer in sorted(maps)]
    return [*values, *torch.autograd.grad(torch.stack([each.square().mean() for each in values]).sum(), leaf)]


@pytest.mark.parametrize("name", ["motifnet", "squeezenet1_0", "resnet50", "convnext_tiny", "mobilenet_v3_large"])
def test_weights_cast_once_give_the_bits_of_autocast(name: str) -> None:
    network = model_zoo.build(NetworkConfig(name="motifnet")) if name == "motifnet" else random(name)
    network.to(torch.device("cpu"), torch.bfloat16, name not in ("resnet50", "mobilenet_v3_large"))
    layers = [*(network.resolve(layer, "key") for layer in network.main_layers()[1::2]), LOGITS]
    frame = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    whole, cast = (network.extractor(frozenset(layers), half) for half in (False, True))
    expected = forward_and_back(whole, network, frame)
    maps = network.activations(frame, layers)
    assert all(torch.equal(maps[layer], each) for layer, each in zip(sorted(maps), expected, strict=False))
    results = forward_and_back(cast, network, frame)
    assert all(map(torch.equal, results, expected))
    assert all(each.isfinite().all() and each.any() for each in results)
    weights = dict(cast.named_parameters())
    assert any(each.dtype == torch.bfloat16 for each in weights.values())
    assert all(each.dtype == torch.float32 for each in network.model.parameters())


def test_exact_activations_ignore_half_precision() -> None:
    network = model_zoo.build(NetworkConfig(name="motifnet"))
    frame = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    expected = network.activations(frame, ["stage2"])["stage2"]
    network.to(torch.device("cpu"), torch.bfloat16)
    rough = network.activations(frame, ["stage2"])["stage2"]
    assert torch.equal(network.activations(frame, ["stage2"], exact=True)["stage2"], expected)
    assert torch.equal(network.activations(frame, ["stage2"])["stage2"], rough)
    assert not torch.equal(rough, expected)
    network.to(torch.device("cpu"), torch.float32)
    assert torch.equal(network.activations(frame, ["stage2"])["stage2"], expected)


def test_extractors_share_cast_weights() -> None:
    network = model_zoo.build(NetworkConfig(name="motifnet")).to(torch.device("cpu"), torch.bfloat16)
    one, other = (
        dict(network.extractor(frozenset({layer}), True).named_parameters()) for layer in ("stage2", "stage3")
    )
    assert {name for name in one if one[name].dtype == torch.bfloat16}
    assert all(other[name] is weight for name, weight in one.items())


def test_an_unknown_network_suggests_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"network.name=googlenett: no such network \(did you mean googlenet"):
        model_zoo.build(NetworkConfig(name="googlenett"))


def test_a_network_of_fixed_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="choose a convolutional one"):
        bare("vit_b_16").min_side([LOGITS])


def test_real_weights_see_the_lion(shared: Path) -> None:
    from pipeline.media.decode.image_file import load_still

    path = shared / "weights" / "squeezenet1_0-imagenet.pth"
    seeing = model_zoo.build(NetworkConfig(name="squeezenet1_0", weights=str(path)))
    lion = load_still(shared / "media" / "lion.jpg", width=256, height=256)
    logits = seeing.activations(lion, [LOGITS])[LOGITS]
    assert int(logits.argmax()) == seeing.class_index("lion", "key")
    assert float(logits.softmax(1).max()) > 0.9
    assert seeing.weights.sha256.startswith("fcaa6a3b")


@pytest.mark.parametrize("name", ["googlenet", "shufflenet_v2_x1_0"])
def test_operations_have_the_names_of_torchvision(name: str) -> None:
    from torchvision.models.feature_extraction import NodePathTracer

    model = model_zoo.architecture(name)
    theirs = NodePathTracer()
    theirs.trace(model)
    _, ends = trace(model)
    names = {str(node): name for name, node in ends.items() if name != LOGITS}
    assert names.items() <= {str(node): name for node, name in theirs.node_to_qualname.items()}.items()


def test_builtin_classes_are_those_of_imagenet() -> None:
    from torchvision.models import SqueezeNet1_0_Weights

    assert list(model_zoo.imagenet_classes()) == SqueezeNet1_0_Weights.IMAGENET1K_V1.meta["categories"]


def test_networks_without_classes_say_so(tiny: Network) -> None:
    blind = Network("blind", tiny.model, (), tiny.weights)
    with pytest.raises(ConfigError, match="blind has no classes"):
        blind.class_index("cat", "key")


def test_own_networks_load_neither_torchvision_nor_the_compiler() -> None:
    code = (
        "import sys; from pipeline.config import NetworkConfig; from pipeline.dream import model_zoo;"
        "names = [name for name in ('motifnet', 'efficientnet_lite0') if model_zoo.OWN[name].find_weights()];"
        "assert all(model_zoo.build(NetworkConfig(name=name)).min_side(['logits']) for name in names);"
        "assert not {'torchvision', 'torch._dynamo'} & set(sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stderr
