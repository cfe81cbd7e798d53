"""A chain has the bits of the operations that it replaces."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.config import NetworkConfig
from pipeline.dream import model_zoo
from pipeline.dream.fused_chain import Chain
from pipeline.dream.network import Network
from pipeline.dream.weights import Weights

CPU = torch.device("cpu")


class Padded(nn.Module):
    """A depthwise convolution with a stride behind a padding of ``margin``, and what a chain cannot compute."""

    def __init__(self, margin: int) -> None:
        super().__init__()
        self.margin = margin
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1), nn.ReLU6())
        self.halved = nn.Conv2d(8, 8, 3, 2, groups=8)
        self.end = nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        stem = self.stem(x)
        halved = self.halved(F.pad(stem, (self.margin,) * 4))
        result: Tensor = self.end(F.silu(halved + halved)) * stem.shape[2]
        return result


def padded(margin: int) -> Network:
    with torch.random.fork_rng([]):
        torch.manual_seed(margin)
        model = Padded(margin)
    return Network("padded", model, (), Weights(Path("padded"), "")).to(CPU, torch.bfloat16, channels_last=True)


def chain_of(net: Network, *layers: str) -> Chain:
    (chain,) = (part for part in net.extractor(frozenset(layers), True).modules() if isinstance(part, Chain))
    return chain


def values_and_gradient(module: nn.Module, frame: Tensor) -> list[Tensor]:
    leaf = frame.clone().requires_grad_(True)
    maps = module(leaf)
    total = torch.stack([map.float().square().mean() for map in maps]).sum()
    return [*(map.detach() for map in maps), *torch.autograd.grad(total, leaf)]


def frame_of(height: int, width: int) -> Tensor:
    frame = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    return frame.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("size", [(64, 96), (61, 95)])
def test_a_chain_has_the_bits_of_its_graph(size: tuple[int, int]) -> None:
    net = model_zoo.build(NetworkConfig(name="efficientnet_lite0")).to(CPU, torch.bfloat16, channels_last=True)
    chain, frame = chain_of(net, "block2", "block5", "block9"), frame_of(*size)
    assert len(chain(frame)) == 3
    assert all(map(torch.equal, values_and_gradient(chain, frame), values_and_gradient(chain.graph, frame)))


def test_the_default_network_is_one_chain() -> None:
    net = model_zoo.build(NetworkConfig(name="efficientnet_lite0")).to(CPU, torch.bfloat16, channels_last=True)
    nodes = net.extractor(frozenset({"block10"}), True).graph.nodes
    assert [node.op for node in nodes] == ["placeholder", "call_module", "call_function", "output"]


@pytest.mark.parametrize("margin", [0, 1, 2, 4, -1])
def test_padding_of_every_width_has_the_gradient_of_the_modules(margin: int) -> None:
    net, frame = padded(margin), frame_of(24, 31)
    assert chain_of(net, "end")(frame)[0].shape[1] == 8
    results = []
    for exact in (False, True):
        leaf = frame.clone().requires_grad_(True)
        map = net.activations(leaf, ["end"], exact=exact)["end"]
        results.append((map.detach(), *torch.autograd.grad(map.square().mean(), leaf)))
    for half, exact_result in zip(*results, strict=True):
        assert float(torch.cosine_similarity(half.flatten(), exact_result.flatten(), dim=0)) > 0.98


def test_a_second_backward_pass_has_the_same_bits() -> None:
    net = padded(1)
    leaf = frame_of(24, 31).requires_grad_(True)
    total = net.activations(leaf, ["logits"])["logits"].square().mean()
    one, other = (torch.autograd.grad(total, leaf, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(one, other) and one.any()


def test_only_outputs_that_count_have_a_gradient() -> None:
    net = padded(1)
    chain, leaf = chain_of(net, "stem", "end"), frame_of(24, 31).requires_grad_(True)
    stem = next(map for map in chain(leaf) if map.shape[2:] == leaf.shape[2:])
    weight, bias = (getattr(net.model.stem[0], name) for name in ("weight", "bias"))  # type: ignore[index]
    other = frame_of(24, 31).requires_grad_(True)
    expected = F.conv2d(other, weight, bias, padding=1).clamp(0, 6)
    (one,) = torch.autograd.grad(stem.float().sum(), leaf)
    (two,) = torch.autograd.grad(expected.sum(), other)
    assert float(torch.cosine_similarity(one.flatten(), two.flatten(), dim=0)) > 0.98
