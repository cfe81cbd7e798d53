"""Shear, swirl, lens and shake: where points of a drawn frame go, at any frame rate."""

import cmath
import math
from dataclasses import fields, replace
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.config.camera import NO_RATES, CameraRates
from pipeline.motion.camera import bent_grid, move, sampling_grid
from pipeline.motion.rates import similarity
from pipeline.score.shake import Shake
from tests.motion.test_camera import blob, centroid

SIZE = (320, 180)
SWIRL, LENS, SHEAR = CameraRates(swirl=60.0), CameraRates(lens=0.8), CameraRates(shear=(0.4, -0.2))
EVERYTHING = CameraRates(1.4, 25.0, (0.1, -0.05), (0.4, 0.6), (0.3, 0.1), 50.0, 0.5)
INSIDE = (slice(60, 120), slice(110, 210))  # what a second of these moves keeps inside of the frame
FRAME = torch.zeros(1, 3, SIZE[1], SIZE[0])


def places() -> Tensor:
    """The places of all pixels from the middle of the frame, (2, H, W) in float64: x and y."""
    x = torch.arange(SIZE[0], dtype=torch.float64) + 0.5 - SIZE[0] / 2
    y = torch.arange(SIZE[1], dtype=torch.float64) + 0.5 - SIZE[1] / 2
    return torch.stack([x.expand(SIZE[1], -1), y[:, None].expand(-1, SIZE[0])])


def sources(rates: CameraRates, seconds: float, shake_before: tuple[float, float, float] = (0, 0, 0)) -> Tensor:
    """Where all pixels come from, as ``places``."""
    grid = bent_grid(FRAME, rates, seconds, CameraRates(shake=shake_before))[0].double().permute(2, 0, 1)
    return grid * torch.tensor(SIZE, dtype=torch.float64).view(2, 1, 1) / 2


def through(before: Tensor, after: Tensor) -> Tensor:
    """Where pixels come from that one move takes from ``after``, and the one before it from ``before``."""
    grid = (after / (torch.tensor(SIZE, dtype=torch.float64).view(2, 1, 1) / 2)).permute(1, 2, 0)[None]
    return F.grid_sample(before[None], grid, mode="bilinear", padding_mode="border", align_corners=False)[0]


def came_from(rates: CameraRates, seconds: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(x, y, x before, y before) of the inner pixels."""
    x, y, before_x, before_y = torch.cat([places(), sources(rates, seconds)])[:, *INSIDE]
    return x, y, before_x, before_y


def test_swirl_turns_every_point_by_its_distance() -> None:
    x, y, before_x, before_y = came_from(SWIRL, 1.0)
    angle = math.radians(60) * torch.exp(-(x * x + y * y) / 90**2)
    assert (before_x - (x * torch.cos(angle) + y * torch.sin(angle))).abs().max() < 2e-3
    assert (before_y - (y * torch.cos(angle) - x * torch.sin(angle))).abs().max() < 2e-3


def test_lens_moves_points_along_the_integral_of_its_velocity() -> None:
    x, y, before_x, before_y = came_from(LENS, 0.5)
    corner = math.hypot(*SIZE) / 2
    after, before = (torch.hypot(*each) / corner for each in ((x, y), (before_x, before_y)))
    # dr/dt = −k r³ / (1 + r²), so ln r − 1/(2r²) falls by k in a second.
    exact = before.log() - 1 / (2 * before**2) - 0.8 * 0.5
    slope = 1 / after + 1 / after**3
    off = (exact - (after.log() - 1 / (2 * after**2))) / slope * corner
    assert off.abs().max() < 2e-3  # pixels
    assert (torch.atan2(y, x) - torch.atan2(before_y, before_x)).abs().max() < 1e-4


def test_shear_is_the_exponential_of_its_matrix() -> None:
    x, y, before_x, before_y = came_from(SHEAR, 1.0)
    back = torch.linalg.matrix_exp(-torch.tensor([[0.0, 0.4], [-0.2, 0.0]], dtype=torch.float64))
    assert (before_x - (back[0, 0] * x + back[0, 1] * y)).abs().max() < 2e-3
    assert (before_y - (back[1, 0] * x + back[1, 1] * y)).abs().max() < 2e-3


@pytest.mark.parametrize("name", [each.name for each in fields(CameraRates) if each.name not in (*NO_RATES, "center")])
def test_every_rate_moves_the_picture(name: str) -> None:
    frame = torch.rand(1, 3, 36, 64, generator=torch.Generator().manual_seed(1))
    value = (0.3, 0.2) if isinstance(getattr(CameraRates(), name), tuple) else 1.3
    assert not torch.equal(move(frame, replace(CameraRates(), **{name: value}), 1.0), frame)


@pytest.mark.parametrize("rates", [SWIRL, LENS, SHEAR, EVERYTHING], ids=["swirl", "lens", "shear", "all"])
def test_drawn_dots_arrive_where_the_flow_takes_them(rates: CameraRates) -> None:
    x, y, before_x, before_y = came_from(rates, 0.25)
    for column, row in ((20, 15), (50, 30), (80, 45)):
        start = (float(before_x[row, column]) + SIZE[0] / 2, float(before_y[row, column]) + SIZE[1] / 2)
        dot = move(blob(SIZE[1], SIZE[0], *start, 2.0), rates, 0.25)
        goal = (float(x[row, column]) + SIZE[0] / 2, float(y[row, column]) + SIZE[1] / 2)
        assert centroid(dot) == pytest.approx(goal, abs=0.1)


@pytest.mark.parametrize("rates", [SWIRL, LENS, SHEAR, EVERYTHING], ids=["swirl", "lens", "shear", "all"])
def test_moves_at_12_and_24_frames_a_second_are_equal(rates: CameraRates) -> None:
    once, half = sources(rates, 1 / 12), sources(rates, 1 / 24)
    assert (once - through(half, half))[:, *INSIDE].abs().max() < 0.01  # pixels
    assert (once - places())[:, *INSIDE].abs().max() > 0.2


def test_integration_agrees_with_the_exact_similarity() -> None:
    rates = CameraRates(1.4, 25.0, (0.1, -0.05), (0.4, 0.6))
    grid = sampling_grid(*similarity(rates, SIZE, 0.5), rates.center, FRAME)[0].double().permute(2, 0, 1)
    exact = grid * torch.tensor(SIZE, dtype=torch.float64).view(2, 1, 1) / 2
    assert (exact - sources(rates, 0.5)).abs().max() < 2e-3


def test_shake_moves_and_turns_by_its_noise() -> None:
    held, now = (0.01, -0.02, 3.0), (-0.015, 0.01, -2.0)
    x, y = sources(CameraRates(shake=now), 1 / 24, held)[:, 130, 40].tolist()
    after, (left, moved) = complex(-119.5, 40.5), (complex(*pose[:2]) * SIZE[1] for pose in (held, now))
    expected = (after - moved) * cmath.exp(1j * math.radians(2)) * cmath.exp(1j * math.radians(3)) + left
    assert (x, y) == pytest.approx((expected.real, expected.imag), abs=1e-3)


@pytest.mark.parametrize("slope", [0.0, 2.0])
def test_shake_is_the_same_at_12_and_24_frames_a_second(slope: float) -> None:
    hand = Shake(lambda t: 0.03, lambda t: 2 + slope * t, seed=4)
    before, between, after = (hand.pose(0.25 + step / 24) for step in range(3))
    once = sources(CameraRates(shake=after), 1 / 12, before)
    first, second = (sources(CameraRates(shake=b), 1 / 24, a) for a, b in pairwise((before, between, after)))
    assert (once - through(first, second))[:, *INSIDE].abs().max() < 1e-3
    assert (once - places())[:, *INSIDE].abs().max() > 0.5


def test_shake_returns_in_a_loop_and_follows_its_seed() -> None:
    poses = [Shake(lambda t: 0.03, lambda t: 2.0, seed, 4.0).pose for seed in (1, 2)]
    assert poses[0](0.0) == pytest.approx(poses[0](4.0))
    assert poses[0](1.3) != poses[1](1.3) and poses[0](1.3) == poses[0](1.3)
    assert all(abs(value) <= 0.03 for t in range(40) for value in poses[0](t / 10)[:2])
