"""Objectives of each kind of target, alone and in sums."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pipeline.config import DreamConfig, NetworkConfig
from pipeline.dream import model_zoo, target_kinds
from pipeline.dream.dreamer import Dreamer
from pipeline.dream.gain_normalization import Gains
from pipeline.dream.network import Network
from pipeline.dream.weighted_objective import Objective
from pipeline.errors import ConfigError
from pipeline.targets.target import TargetWeights
from tests.targets.notation import target_of, weights_of


def noise(height: int = 64, width: int = 80, seed: int = 3) -> Tensor:
    return 0.45 + 0.15 * torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def stripes() -> Tensor:
    """A picture that noise does not resemble."""
    wave = (torch.arange(96) / 3).sin().expand(96, 96)
    return (0.5 + 0.4 * torch.stack([wave, wave.T, -wave]))[None]


def dreams(
    objective: Objective, targets: TargetWeights, count: int, canvas: Tensor, exponent: float = 1.0
) -> list[Tensor]:
    """The canvas after each of so many dreams, on one octave."""
    dreamer = Dreamer(objective, DreamConfig(octaves=1, jitter=8, exponent=exponent))
    generator, made = torch.Generator().manual_seed(5), []
    for _ in range(count):
        canvas = dreamer.dream(canvas, lambda scale: targets, dreamer.config, 1 / 24, generator)
        made.append(canvas)
    return made


def test_a_direction_leads_from_one_channel_to_the_other(tiny: Network) -> None:
    objective = Objective(tiny)
    dreamed = dreams(objective, weights_of({"dir:three:5>12": 1.0}), 8, noise())[-1]
    assert objective.activation(dreamed, target_of("three:12")) > objective.activation(noise(), target_of("three:12"))
    assert objective.activation(dreamed, target_of("three:5")) < objective.activation(noise(), target_of("three:5"))
    back = float(objective.value(noise(), weights_of({"dir:three:12>5": 1.0})))
    assert back == pytest.approx(-float(objective.value(noise(), weights_of({"dir:three:5>12": 1.0}))))


def test_diverse_channels_keep_apart_and_yet_all_grow(tiny: Network) -> None:
    objective, channels = Objective(tiny), (2, 3, 8)
    together = weights_of({f"two:{n}": 1.0 for n in channels})
    apart = dreams(objective, weights_of({"diverse:two:2,3,8": 1.0}), 12, noise())[-1]
    plain = dreams(objective, together, 12, noise())[-1]

    def overlap(canvas: Tensor) -> float:
        return float(
            target_kinds.overlap(target_kinds.coactivation(tiny.activations(canvas, ["two"])["two"], channels))
        )

    assert overlap(apart) < 0.9 * overlap(plain)
    before, after = (sum(objective.activation(c, target) for target in together) for c in (noise(), apart))
    assert after > before


@pytest.mark.parametrize("layer", ["", "two:"])
def test_a_guide_pulls_from_the_first_frame_on(tiny: Network, layer: str) -> None:
    objective = Objective(tiny, {"photo.jpg": stripes()}, guide_layer="three")
    target = f"guide:{layer}photo.jpg"
    values = [
        objective.activation(c, target_of(target))
        for c in (noise(), *dreams(objective, weights_of({target: 1.0}), 10, noise()))
    ]
    assert all(after > before for before, after in pairwise(values))
    assert values[-1] > 1.5 * values[0]


def test_a_guide_pulls_a_real_network_to_its_features(shared: Path) -> None:
    """Measured apart from the objective: the mean cosine of every place with its nearest feature of the guide."""
    from pipeline.media.decode.image_file import load_still

    weights = str(shared / "weights" / "squeezenet1_0-imagenet.pth")
    network = model_zoo.build(NetworkConfig(name="squeezenet1_0", weights=weights))
    lion = load_still(shared / "media" / "lion.jpg", width=112, height=96)
    layer = network.resolve("fire5", "key")
    features = torch.nn.functional.normalize(network.activations(lion, [layer])[layer][0].flatten(1), dim=0)

    def likeness(canvas: Tensor) -> float:
        values = torch.nn.functional.normalize(network.activations(canvas, [layer])[layer][0].flatten(1), dim=0)
        return float((values.T @ features).max(dim=1).values.mean())

    objective = Objective(network, {"lion.jpg": lion}, guide_layer="fire5")
    alike = [
        likeness(c)
        for c in (noise(96, 112), *dreams(objective, weights_of({"guide:lion.jpg": 1.0}), 6, noise(96, 112)))
    ]
    assert all(after > before for before, after in pairwise(alike))


def test_a_guide_is_read_once(tiny: Network) -> None:
    picture, targets = stripes(), weights_of({"guide:photo.jpg": 1.0})
    objective = Objective(tiny, {"photo.jpg": picture}, guide_layer="three")
    first = float(objective.value(noise(), targets))
    picture.zero_()
    assert float(objective.value(noise(), targets)) == first


@pytest.mark.parametrize(
    ("first", "second"),
    [("two:3", "two:8"), ("three:5", "three:12"), ("three:1", "three:4"), ("class:owl", "class:fish")],
)
def test_two_targets_cross_in_the_middle_of_a_fade(tiny: Network, first: str, second: str) -> None:
    """With raw gradients, which the gains equalise: damping takes more from a random network's finer channels."""
    assert abs(crossing(Objective(tiny), first, second, noise(), exponent=0.0) - 12) <= 2


def test_two_real_targets_cross_in_the_middle_of_a_fade(shared: Path) -> None:
    weights = str(shared / "weights" / "squeezenet1_0-imagenet.pth")
    objective = Objective(model_zoo.build(NetworkConfig(name="squeezenet1_0", weights=weights)))
    assert abs(crossing(objective, "fire8:10", "fire8:60", noise(96, 112)) - 12) <= 2


def crossing(objective: Objective, first: str, second: str, canvas: Tensor, exponent: float = 1.0) -> int:
    """The frame, of a fade over 24, at which dreams from the same canvas see more of the second target.

    Each target is measured in shares of what it reaches alone. Every frame dreams from the same canvas, since a film's
    own also shows what was dreamed before.
    """

    def values(weights: dict[str, float]) -> list[float]:
        dreamed = dreams(objective, weights_of(weights), 4, canvas, exponent)[-1]
        return [objective.activation(dreamed, target_of(name)) for name in (first, second)]

    (most, absent), (least, full) = values({first: 1.0}), values({second: 1.0})
    for frame in range(25):
        share = frame / 24
        share = share * share * (3 - 2 * share)
        one, other = values({first: 1 - share, second: share} if 0 < share < 1 else {(first, second)[int(share)]: 1.0})
        if (other - absent) / (full - absent) >= (one - least) / (most - least):
            return frame
    raise AssertionError("the two never cross")


def test_all_kinds_pull_equally_at_any_size(tiny: Network) -> None:
    objective = Objective(tiny, {"photo.jpg": stripes()})
    targets = ("one", "three", "two:5", "three:3@0.5x0.5", "class:eye", "dir:two:3>8", "diverse:two:2,3,8")
    for size in (96, 320):
        pulls = {}
        for target in (*targets, "guide:three:photo.jpg"):
            frame = noise(size, size).requires_grad_(True)
            (gradient,) = torch.autograd.grad(objective.value(frame, weights_of({target: 1.0})), frame)
            pulls[target] = float(gradient.std())
        assert max(pulls.values()) < 4 * min(pulls.values()), pulls


def test_a_channel_silent_on_noise_has_a_least_gain(tiny: Network) -> None:
    """A gain near 0 would make it drown all others once it wakes."""
    objective = Objective(tiny)
    gains = {f"two:{n}": objective.resolve(target_of(f"two:{n}")).gain() for n in range(12)}
    usual = Gains(tiny).usual("two")
    assert min(gains.values()) >= 0.25 * usual > 0
    assert sum(gain * gain for gain in gains.values()) / 12 == pytest.approx(usual**2, rel=0.6)


def test_negative_weights_and_sums_across_layers(tiny: Network) -> None:
    objective = Objective(tiny)
    dreamed = dreams(objective, weights_of({"three:12": 1.0, "two:3": -1.0}), 8, noise())[-1]
    assert objective.activation(dreamed, target_of("three:12")) > objective.activation(noise(), target_of("three:12"))
    assert objective.activation(dreamed, target_of("two:3")) < objective.activation(noise(), target_of("two:3"))


@pytest.mark.parametrize("target", ["dir:three:5>16", "diverse:three:2,99"])
def test_missing_channels_are_reported(tiny: Network, target: str) -> None:
    with pytest.raises(ConfigError, match=r"three has channels 0 to 15"):
        Objective(tiny).resolve(target_of(target))


@pytest.mark.parametrize("amount", [0.25, 0.5])
def test_a_weight_below_one_dreams_that_much_less(tiny: Network, amount: float) -> None:
    full, less = (dreams(Objective(tiny), weights_of({"two:3": weight}), 1, noise())[0] for weight in (1.0, amount))
    rest = dreams(Objective(tiny), {}, 1, noise())[0]
    assert float((less - rest).std()) == pytest.approx(amount * float((full - rest).std()), rel=0.1)
