"""A loop has no seam: its last frame leads to its first as any frame leads to the next."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from pipeline.config import DreamConfig, NetworkConfig
from pipeline.dream import zoo
from pipeline.dream.dreamer import Dreamer
from pipeline.dream.objective import Objective
from pipeline.loop import loop, share
from pipeline.motion import camera
from pipeline.randomness import generator

FRAMES, FPS = 24, 12


@pytest.fixture(scope="module")
def dreamer() -> Dreamer:
    network = zoo.build(NetworkConfig())
    return Dreamer(Objective(network, {}, "stage3"), DreamConfig(octaves=1, equalize=0.5), 32)


def film(dreamer: Dreamer, *, zoom: float, overlap: int) -> list[Tensor]:
    """The loop of a dream that zooms, and turns from owls to flowers and back."""

    def step(canvas: Tensor, index: int) -> Tensor:
        moved = camera.move(canvas, zoom=zoom, rotate=10.0, pan=(0.0, 0.0), center=(0.5, 0.5), seconds=1 / FPS)
        part = abs(2 * index / FRAMES - 1)
        return dreamer.dream(
            moved,
            lambda scale: {"class:owl": part, "class:flower": 1 - part},
            strength=0.7,
            seconds=1 / FPS,
            generator=generator(5, 0, index),
            look={
                "exponent": 1.0,
                "colour": 1.0,
                "equalize": 0.5,
                "tone_mean": 0.45,
                "tone_contrast": 0.22,
                "tone_rate": 8.0,
            },
        )

    canvas = 0.5 + 0.16 * torch.randn(1, 3, 32, 40, generator=torch.Generator().manual_seed(1))
    return list(loop(step, canvas, frames=FRAMES, overlap=overlap, settle=4))


def differences(frames: list[Tensor]) -> tuple[float, list[float]]:
    """(last to first, every frame to the next), mean absolute."""
    return float((frames[0] - frames[-1]).abs().mean()), [float((b - a).abs().mean()) for a, b in pairwise(frames)]


@pytest.mark.parametrize("zoom", [1.5, 0.8, 1.0])
def test_the_seam_is_no_larger_than_the_median_step(dreamer: Dreamer, zoom: float) -> None:
    frames = film(dreamer, zoom=zoom, overlap=8)
    assert len(frames) == FRAMES
    seam, steps = differences(frames)
    assert seam <= sorted(steps)[len(steps) // 2]
    assert max(steps[-8:]) < 1.6 * max(steps[:-8])  # nor is there a jump where the end is led to the beginning
    far = float((frames[FRAMES // 2] - frames[0]).abs().mean())
    assert far > 1.5 * seam  # it does go somewhere meanwhile


def test_frames_before_the_end_are_those_of_a_film_without_a_loop() -> None:
    def step(canvas: Tensor, index: int) -> Tensor:
        return canvas + index

    frames = [float(frame) for frame in loop(step, torch.zeros(1), frames=5, overlap=2)]
    assert frames[:3] == [7, 8, 10]  # 3 + 4 before the first, then 0, 1, 2 …
    assert frames[4] == pytest.approx(7.0, abs=0.01)


def test_the_share_rises_to_the_whole() -> None:
    shares = [share(number, 7) for number in range(7)]
    assert shares == sorted(shares) and shares[-1] == 1.0 and 0 < shares[0] < 0.1


@pytest.mark.parametrize("overlap", [0, FRAMES, FRAMES + 4])
def test_an_impossible_overlap_is_refused(overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap ="):
        next(loop(lambda canvas, index: canvas, torch.zeros(1), frames=FRAMES, overlap=overlap))
