"""Steps for classes leave out residual blocks, drawn by their generator; nothing else does."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, fx, nn

from pipeline.config import NetworkConfig
from pipeline.dream import model_zoo
from pipeline.dream.cuda_graphs import RecordedGradients
from pipeline.dream.ensemble import Ensemble
from pipeline.dream.fused_chain import Chain
from pipeline.dream.gradient import TiledGradient, whole_gradient
from pipeline.dream.network import Anatomy, Network
from pipeline.dream.stochastic_depth import StochasticDepth, residual_sums
from pipeline.dream.weighted_objective import Objective
from pipeline.dream.weights import Weights
from pipeline.errors import ConfigError
from tests.dream.test_cuda_graphs import RerunRecorder, noise
from tests.targets.notation import weights_of

CLASS = {"class:owl": 1.0}
NAMES = ("owl", "eye", "cat", "fish", "leaf", "star", "moon", "tree")
NO_FILE, OF_LAST = Weights(Path("none"), ""), Anatomy(class_layer="last")


class Residuals(nn.Module):
    """Blocks that add their input in three ways, and a sum of two convolutions, which is none."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2)
        self.first, self.second, self.third = (nn.Conv2d(8, 8, 3, padding=1) for _ in range(3))
        self.left, self.right = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)
        self.last = nn.Identity()
        self.without = frozenset[int]()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x if 0 in self.without else x + self.first(x).tanh()
        if 1 not in self.without:
            y = self.second(x).tanh()
            y += x
            x = y
        x = x if 2 in self.without else torch.add(self.third(x).tanh(), x)
        evidence: Tensor = self.last(self.left(x).tanh() + self.right(x))
        return evidence


def residuals(without: frozenset[int] = frozenset()) -> Network:
    with torch.random.fork_rng([]):
        torch.manual_seed(5)
        model = Residuals()
    model.without = without
    return Network("residuals", model, NAMES, NO_FILE, OF_LAST)


@pytest.fixture
def network() -> Network:
    network = residuals()
    network.use_stochastic_depth(1.0)
    return network


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw(network: Network, seed: int) -> None:
    assert network.depth is not None
    network.depth.draw(generator(seed))


def drawn_blocks(network: Network, seed: int) -> frozenset[int]:
    depth = StochasticDepth(residual_sums(fx.symbolic_trace(network.model).graph), 1.0)
    depth.draw(generator(seed))
    return depth.left_out


def gradient(network: Network, weights: dict[str, float]) -> Tensor:
    return whole_gradient(Objective(network), noise(), weights_of(weights), (0, 0))


def test_blocks_are_sums_with_their_own_input() -> None:
    assert residual_sums(fx.symbolic_trace(residuals().model).graph) == ["add", "add_1", "add_2"]


def test_a_step_for_a_class_is_that_of_the_network_without_the_blocks(network: Network) -> None:
    drawn = set[frozenset[int]]()
    for seed in range(12):
        draw(network, seed)
        drawn.add(drawn_blocks(network, seed))
        expected = gradient(residuals(drawn_blocks(network, seed)), CLASS)
        # Only the length of the gradient depends on the gain, which is that of the whole network.
        steps = [each / each.std() for each in (gradient(network, CLASS), expected)]
        assert torch.allclose(*steps, atol=1e-4)
    assert len(drawn) > 3


@pytest.mark.parametrize("weights", [{"first": 1.0}, {"last:3": 1.0, "third": -0.5}])
def test_steps_for_layers_use_the_whole_network(network: Network, weights: dict[str, float]) -> None:
    draw(network, 1)
    assert drawn_blocks(network, 1)
    assert torch.equal(gradient(network, weights), gradient(residuals(), weights))


def test_values_and_activations_are_of_the_whole_network(network: Network) -> None:
    draw(network, 1)
    objective, whole = Objective(network), Objective(residuals())
    targets = weights_of(CLASS)
    assert torch.equal(objective.value(noise(), targets), whole.value(noise(), targets))
    assert objective.factors(targets) == whole.factors(targets)


def test_deep_blocks_are_left_out_more_often() -> None:
    depth, draws, counts = StochasticDepth(["a", "b", "c"], 0.8), generator(0), [0, 0, 0]
    for _ in range(2000):
        depth.draw(draws)
        assert depth.factors.tolist() == [float(number not in depth.left_out) for number in range(3)]
        for number in depth.left_out:
            counts[number] += 1
    assert [count / 2000 for count in counts] == pytest.approx([0.2, 0.4, 0.6], abs=0.04)


def test_a_chain_leaves_out_what_its_graph_does() -> None:
    """Also where two layers that are asked for become one map."""
    network = model_zoo.build(NetworkConfig(stochastic_depth=1.0))
    network.to(torch.device("cpu"), torch.bfloat16, channels_last=True)
    extractor = network.extractor(frozenset({"block8", "block9", "block10", "verdict"}), True, True)
    (chain,) = (part for part in extractor.modules() if isinstance(part, Chain))
    frame = torch.rand(1, 3, 61, 96, generator=generator(1)).contiguous(memory_format=torch.channels_last)

    def maps_and_gradient(module: nn.Module) -> list[Tensor]:
        leaf = frame.clone().requires_grad_(True)
        maps = module(leaf)
        total = torch.stack([(n + 1) * each.float().square().mean() for n, each in enumerate(maps)]).sum()
        return [*(each.detach() for each in maps), *torch.autograd.grad(total, leaf)]

    joined = 0
    for seed in range(6):
        draw(network, seed)
        (*maps, gradient), (*expected, expected_gradient) = maps_and_gradient(chain), maps_and_gradient(chain.graph)
        assert all(map(torch.equal, maps, expected))
        joined += torch.equal(maps[0], maps[1])
        difference = (gradient.float() - expected_gradient.float()).std()
        assert difference < 0.05 * expected_gradient.float().std()  # rounding in bfloat16
    assert 0 < joined < 6


def test_recordings_follow_the_draws(network: Network) -> None:
    """A layer that is read as the class is has a recording of its own."""
    objective, recorder = Objective(network), RerunRecorder()
    recorded = RecordedGradients(recorder)
    for seed in range(8):
        draw(network, seed)
        for weights in (weights_of(CLASS), weights_of({"last:0": 1.0})):
            expected = whole_gradient(objective, noise(), weights, (0, 0))
            assert torch.equal(recorded.recorded_gradient(objective, noise(), weights, (0, 0)), expected)
    assert recorder.made == 2


def test_tiles_of_a_frame_leave_out_the_same_blocks() -> None:
    network = model_zoo.build(NetworkConfig(stochastic_depth=1.0))
    objective, weights = Objective(network), weights_of({"class:lion": 1.0})
    draw(network, 4)
    tiled = TiledGradient(objective).tiled_gradient(noise(224, 320), weights, (0, 0), 224, generator(1))
    whole = whole_gradient(objective, noise(224, 320), weights, (0, 0))
    draw(network, 5)
    other = whole_gradient(objective, noise(224, 320), weights, (0, 0))
    assert (tiled - whole).std() < 0.5 * (other - whole).std()


def test_only_networks_of_class_targets_leave_blocks_out() -> None:
    networks = residuals(), residuals()
    for each in networks:
        each.use_stochastic_depth(1.0)
    objective = Objective(Ensemble(networks[0], lambda name: networks[1]))
    of_class, of_layer = weights_of({"class:owl@other": 1.0}), weights_of({"last": 1.0})
    before = [whole_gradient(objective, noise(), weights, (0, 0)) for weights in (of_class, of_layer)]
    draws = generator(1)
    state = draws.get_state()
    for weights in (of_layer, of_class):  # what the former draws is nothing
        objective.draw(weights, draws)
    assert torch.equal(draws.get_state(), state)  # jitter and noise are those without
    after = [whole_gradient(objective, noise(), weights, (0, 0)) for weights in (of_class, of_layer)]
    assert not torch.equal(before[0], after[0])
    assert torch.equal(before[1], after[1])


def test_networks_without_blocks_or_classes_refuse(tiny: Network) -> None:
    with pytest.raises(ConfigError, match=r"network\.stochastic_depth=0\.5: tiny has no residual blocks"):
        tiny.use_stochastic_depth(0.5)
    network = residuals()
    network.classes = ()
    with pytest.raises(ConfigError, match=r"residuals has no classes; only 0 is allowed"):
        network.use_stochastic_depth(0.5)
