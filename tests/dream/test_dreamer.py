from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from pipeline.config import DreamConfig, NetworkConfig
from pipeline.dream import model_zoo
from pipeline.dream.dreamer import Dreamer
from pipeline.dream.network import Network
from pipeline.dream.weighted_objective import Factors, Objective
from pipeline.errors import DreamError
from pipeline.targets.target import Target
from tests.targets.notation import target_of, weights_of

TARGETS = weights_of({"three": 1.0})


def noise(height: int = 96, width: int = 128) -> Tensor:
    return 0.45 + 0.1 * torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(3))


def dream(dreamer: Dreamer, canvas: Tensor, frames: int = 1, fps: float = 24.0, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(frames):
        canvas = dreamer.dream(canvas, lambda scale: TARGETS, dreamer.config, 1 / fps, generator)
    return canvas


@pytest.mark.parametrize("precondition", ["fourier", "gaussian", "laplacian", "none"])
def test_dreaming_raises_the_activation(tiny: Network, precondition: str) -> None:
    objective = Objective(tiny)
    dreamer = Dreamer(objective, DreamConfig(precondition=precondition, jitter=8))
    dreamed = dream(dreamer, noise(), frames=12)
    assert objective.activation(dreamed, target_of("three")) > 1.5 * objective.activation(noise(), target_of("three"))
    assert float(dreamed.min()) >= 0
    assert float(dreamed.max()) <= 1


def test_frames_depend_on_the_generator(tiny: Network) -> None:
    dreamer = Dreamer(Objective(tiny), DreamConfig())
    assert torch.equal(dream(dreamer, noise()), dream(dreamer, noise()))
    assert not torch.equal(dream(dreamer, noise()), dream(dreamer, noise(), seed=1))


class Recorder(Objective):
    """Notes the height of each picture that the network looks at."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.heights: list[int] = []

    def combine(self, measures: Mapping[Target, Tensor], factors: Factors, size: tuple[int, int]) -> Tensor:
        self.heights.append(size[0])
        return super().combine(measures, factors, size)


HEIGHTS = (21, 32, 48, 72, 96)  # of the octaves of a frame of 96 pixels
LEAVING_OUT = DreamConfig(octaves=8, octave_ratio=1.5, tone="free", interval=2)


@pytest.mark.parametrize(("turn", "dreamed"), [(None, range(5)), (0, [0, 1, 2, 4]), (1, [0, 1, 3]), (2, [0, 1, 2, 4])])
def test_octaves_above_the_second_leave_frames_out(tiny: Network, turn: int | None, dreamed: Sequence[int]) -> None:
    objective = Recorder(tiny)
    generator = torch.Generator().manual_seed(0)
    Dreamer(objective, LEAVING_OUT).dream(noise(), lambda scale: TARGETS, LEAVING_OUT, 1 / 24, generator, turn=turn)
    assert objective.heights == [HEIGHTS[number] for number in dreamed]


def test_an_octave_that_leaves_frames_out_is_stronger(tiny: Network) -> None:
    def largest(config: DreamConfig, turn: int) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        dreamer = Dreamer(Objective(tiny), config)
        return dreamer.dream(
            noise(), lambda scale: TARGETS if scale > 0.25 else {}, config, 1 / 24, generator, turn=turn
        )

    twice = replace(LEAVING_OUT, interval=1, strength=2 * LEAVING_OUT.strength)
    assert torch.equal(largest(LEAVING_OUT, 2), largest(twice, 2))
    assert torch.equal(largest(LEAVING_OUT, 3), noise())


def test_noise_reaches_the_network_alone(tiny: Network) -> None:
    """The network looks at a noisy picture: other gradients, the same for the same generator, no noise in the frame."""
    dreamer = Dreamer(Objective(tiny), DreamConfig(noise=0.3, octaves=1, strength=0.01, tone="free"))
    noisy = dream(dreamer, noise())
    assert torch.equal(noisy, dream(dreamer, noise()))
    assert not torch.equal(noisy, dream(Dreamer(Objective(tiny), replace(dreamer.config, noise=0.0)), noise()))
    assert float((noisy - noise()).abs().max()) < 0.01


def test_a_small_octave_keeps_the_canvas_detail(tiny: Network) -> None:
    """With the smallest octave alone, only smooth changes are added: the finest detail stays as it was."""
    config = DreamConfig(octaves=2, octave_ratio=2.0, tone="free")
    canvas = 0.5 + 0.1 * torch.randn(1, 3, 360, 480, generator=torch.Generator().manual_seed(5)).clamp(-2, 2)
    generator = torch.Generator().manual_seed(0)
    dreamer = Dreamer(Objective(tiny), config)
    dreamed = dreamer.dream(canvas, lambda scale: TARGETS if scale < 0.6 else {}, config, 1 / 24, generator)
    change = torch.fft.rfft2(dreamed - canvas).abs()
    assert float(change[..., 150:210, 188:].mean()) < 0.02 * float(change[..., :30, :30].mean())


def test_an_octave_can_be_too_small_for_a_target(tiny: Network) -> None:
    dreamer = Dreamer(Objective(tiny), DreamConfig())
    assert dreamer.fits(1.0, TARGETS)
    assert not dreamer.fits(0.04, TARGETS)


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (16, 300), (301, 33)])
def test_small_and_odd_frames_are_dreamed(tiny: Network, size: tuple[int, int]) -> None:
    dreamer = Dreamer(Objective(tiny), DreamConfig(octaves=8))
    assert dream(dreamer, noise(*size)).shape == (1, 3, *size)


def test_activation_does_not_depend_on_the_frame_rate(tiny: Network) -> None:
    objective = Objective(tiny)
    dreamer = Dreamer(objective, DreamConfig())
    slow = objective.activation(dream(dreamer, noise(), frames=12, fps=12), target_of("three"))
    fast = objective.activation(dream(dreamer, noise(), frames=24, fps=24), target_of("three"))
    assert 0.7 < slow / fast < 1.4


def test_a_gradient_that_is_not_finite_is_reported(tiny: Network) -> None:
    dreamer = Dreamer(Objective(tiny), DreamConfig(octaves=1))
    with pytest.raises(DreamError, match=r"not finite at the octave of scale 0\.\d\d; try precision=float32"):
        dream(dreamer, noise() * float("inf"))


def test_a_deep_target_takes_no_octave_from_a_shallow_one() -> None:
    """What fits no small octave leaves the others to dream there."""
    deep = model_zoo.build(NetworkConfig(name="motifnet"))
    dreamer = Dreamer(Objective(deep), DreamConfig(octaves=2, octave_ratio=2.0, tone="free"))
    alone, both = (
        dreamer.dream(
            noise(20, 28),
            lambda scale, weights=weights: weights if scale < 0.6 else {},
            dreamer.config,
            1 / 24,
            torch.Generator().manual_seed(0),
        )
        for weights in (weights_of({"stage1": 1.0}), weights_of({"stage1": 1.0, "class:owl": 1e-3}))
    )
    assert torch.equal(alone, both)
    assert not torch.equal(alone, noise(20, 28))


def test_classes_are_dreamed_with_their_support(tiny: Network) -> None:
    """What ``class_support`` adds is the same as a layer typed next to the class."""
    name = f"class:{tiny.classes[0]}"
    support = weights_of({"two": 0.4})
    config = DreamConfig(octaves=1)
    frames = [
        Dreamer(Objective(tiny), config, class_support=added).dream(
            noise(), lambda scale, weights=weights: weights, config, 1 / 24, torch.Generator().manual_seed(0)
        )
        for added, weights in (
            (support, weights_of({name: 0.5})),
            (None, weights_of({name: 0.5, "two": 0.2})),
            (None, weights_of({name: 0.5})),
        )
    ]
    assert torch.equal(frames[0], frames[1])
    assert not torch.equal(frames[0], frames[2])
    less = weights_of({"three": 1.0, name: -0.5})
    plain, supported = (
        Dreamer(Objective(tiny), config, class_support=added).dream(
            noise(), lambda scale: less, config, 1 / 24, torch.Generator().manual_seed(0)
        )
        for added in (None, support)
    )
    assert torch.equal(plain, supported)  # less of a class has no support
