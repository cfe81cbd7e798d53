"""Fused convolutions have the values and gradients of the modules that they replace."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.config import NetworkConfig
from pipeline.dream import model_zoo
from pipeline.dream.fused_chain import chain
from pipeline.dream.fused_convolution import Convolution, FusedConvolution, fuse
from pipeline.dream.network import Network
from pipeline.dream.weights import Weights
from pipeline.networks.efficientnet_lite import SameConv

CPU = torch.device("cpu")


class Blocks(nn.Module):
    """Dense and depthwise convolutions with and without stride, norm, bias and activation, and a skip connection."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        same = kernel // 2
        self.stem = nn.Sequential(SameConv(3, 8, 3, stride=2), nn.ReLU6())
        self.wide = nn.Sequential(nn.Conv2d(8, 16, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6())
        self.halved = nn.Sequential(
            nn.Conv2d(16, 16, kernel, 2, same, groups=16, bias=False), nn.BatchNorm2d(16), nn.ReLU()
        )
        self.filtered = nn.Sequential(nn.Conv2d(16, 16, kernel, 1, same, groups=16), nn.ReLU6())
        self.uneven = nn.Conv2d(16, 16, (kernel, 3), (2, 1), (0, 1), groups=16)
        self.grouped = nn.Conv2d(16, 8, 3, 1, 1, groups=4)

    def forward(self, x: Tensor) -> Tensor:
        halved = self.halved(self.wide(self.stem(x)))
        result: Tensor = self.grouped(self.uneven(halved + self.filtered(halved)))
        return result


def network(kernel: int) -> Network:
    with torch.random.fork_rng([]):
        torch.manual_seed(kernel)
        model = Blocks(kernel)
        for part in model.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean = torch.randn(16) / 4
                part.running_var = torch.rand(16) + 0.5
    return Network("blocks", model, (), Weights(Path("blocks"), "")).to(CPU, torch.bfloat16, channels_last=True)


def maps_and_gradient(net: Network, frame: Tensor, layers: list[str], *, exact: bool) -> list[Tensor]:
    leaf = frame.clone().requires_grad_(True)
    maps = net.activations(leaf, layers, exact=exact)
    total = torch.stack([maps[layer].square().mean() for layer in layers]).sum()
    return [*(maps[layer].detach() for layer in layers), *torch.autograd.grad(total, leaf)]


def likeness(one: Tensor, other: Tensor) -> float:
    return float(torch.cosine_similarity(one.flatten(), other.flatten(), dim=0))


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("size", [(64, 64), (61, 64), (62, 67), (63, 65)])
def test_values_and_gradients_are_those_of_the_modules(kernel: int, size: tuple[int, int]) -> None:
    net = network(kernel)
    frame = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1))
    layers = ["filtered", "grouped", "logits"]
    expected = maps_and_gradient(net, frame, layers, exact=True)
    half = maps_and_gradient(net, frame, layers, exact=False)
    fuse(net.extractor(frozenset(layers), False), torch.float32, {})
    chain(net.extractor(frozenset(layers), False))
    for result, rough, exact in zip(maps_and_gradient(net, frame, layers, exact=True), half, expected, strict=True):
        torch.testing.assert_close(result, exact, rtol=1e-4, atol=1e-4 * float(exact.abs().max()))
        assert likeness(rough, exact) > 0.98


@pytest.mark.parametrize("bounds", [(0.0, 6.0), (0.0, float("inf"))])
def test_clipping_within_a_convolution_has_the_same_bits(bounds: tuple[float, float]) -> None:
    rng = torch.Generator().manual_seed(2)
    weight, bias = torch.randn(32, 1, 3, 3, generator=rng).bfloat16(), torch.randn(32, generator=rng).bfloat16()
    x = torch.randn(1, 32, 23, 31, generator=rng).bfloat16().to(memory_format=torch.channels_last)
    fused = FusedConvolution(Convolution("filters", weight, bias, (2, 2), (1, 1), 32), bounds)
    assert torch.equal(fused.convolve(x), F.conv2d(x, weight, bias, 2, 1, 1, 32).clamp(*bounds))


def test_a_layer_that_is_read_is_not_clipped() -> None:
    net = network(3)
    frame = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    before, after = (net.activations(frame, ["filtered.0", "filtered"])[layer] for layer in ("filtered.0", "filtered"))
    assert float(before.min()) < 0
    assert torch.equal(before.clamp(0, 6), after)


def test_only_channels_last_on_a_cpu_in_half_precision_is_fused() -> None:
    net = network(3)
    layers = frozenset({"grouped"})
    for half, last, count in ((True, True, 5), (True, False, 0), (False, True, 0)):
        net.to(CPU, torch.bfloat16, last)
        parts = {part for part in net.extractor(layers, half).modules() if isinstance(part, FusedConvolution)}
        assert len(parts) == count


def test_cuts_share_fused_convolutions() -> None:
    net = network(3)
    one, other = (
        {part for part in net.extractor(frozenset({layer}), True).modules() if isinstance(part, FusedConvolution)}
        for layer in ("filtered", "grouped")
    )
    assert len(one) == 4
    assert one < other


def test_networks_without_strided_depthwise_convolutions_stay() -> None:
    net = model_zoo.build(NetworkConfig(name="motifnet")).to(CPU, torch.bfloat16, channels_last=True)
    assert not any(isinstance(part, FusedConvolution) for part in net.extractor(frozenset({"stage5"}), True).modules())


def test_the_default_network_is_fused_whole() -> None:
    net = model_zoo.build(NetworkConfig(name="efficientnet_lite0")).to(CPU, torch.bfloat16, channels_last=True)
    frame = torch.rand(1, 3, 96, 128, generator=torch.Generator().manual_seed(1))
    results = maps_and_gradient(net, frame, ["block10"], exact=False)
    expected = maps_and_gradient(net, frame, ["block10"], exact=True)
    assert likeness(results[0], expected[0]) > 0.99
    assert likeness(results[1], expected[1]) > 0.9
    again = maps_and_gradient(net, frame, ["block10"], exact=False)
    assert all(map(torch.equal, results, again))
    nodes = net.extractor(frozenset({"block10"}), True).graph.nodes
    assert not any(node.target is torch.conv2d or "relu" in str(node.target) for node in nodes)


@pytest.mark.parametrize("groups", [1, 32])
def test_the_size_that_comes_first_does_not_change_bits(groups: int) -> None:
    """Weights are stored in the order that the first picture wants; a resumed film begins with another size."""
    rng = torch.Generator().manual_seed(3)
    weight = torch.randn(32, 32 // groups, 3, 3, generator=rng).bfloat16()
    convolution = Convolution("filters", weight, None, (1, 1), (1, 1), groups)
    small, large = (
        torch.randn(1, 32, *size, generator=rng).bfloat16().to(memory_format=torch.channels_last)
        for size in ((3, 5), (57, 90))
    )
    one, other = FusedConvolution(convolution, None), FusedConvolution(convolution, None)
    for fused, pictures in ((one, (small, large)), (other, (large, small))):
        for x in pictures:
            size = (x.shape[2], x.shape[3])
            assert torch.equal(fused.convolve(x), F.conv2d(x, weight, None, 1, 1, 1, groups))
            assert (
                likeness(
                    fused.gradient(x, size).float(),
                    F.conv_transpose2d(x.float(), weight.float(), None, 1, 1, 0, groups),
                )
                > 0.999
            )
    for x in (small, large):
        assert torch.equal(one.gradient(x, (x.shape[2], x.shape[3])), other.gradient(x, (x.shape[2], x.shape[3])))
