"""A flight over a drawn scene of known distances: where points go, parallax, no tears; the relief of a picture."""

import math
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.config import CameraRates
from pipeline.motion.camera import Camera, bent_grid, move
from pipeline.motion.relief import nearness
from tests.motion.test_bends import FRAME, INSIDE, SIZE, places, sources, through
from tests.motion.test_camera import blob, centroid

FLIGHTS = {
    "dolly": CameraRates(dolly=0.5),
    "truck": CameraRates(truck=0.3, pedestal=0.2),
    "turn": CameraRates(yaw=12.0, pitch=-7.0, roll=15.0),
    "all": CameraRates(1.1, 5.0, (0.02, 0.0), (0.5, 0.5), dolly=0.3, truck=0.1, yaw=5.0, swirl=10.0),
}
HALF = torch.tensor(SIZE, dtype=torch.float64).view(2, 1, 1) / 2
FPS = 24


def hills() -> Tensor:
    """1 / distance of a smooth scene with two hills, (1, 1, H, W) from 0.6 to 1.6."""
    x, y = places()
    near = 0.6 + torch.exp(-((x + 50) ** 2 + y**2) / 40**2) + 0.5 * torch.exp(-((x - 70) ** 2 + (y - 20) ** 2) / 50**2)
    return near.float()[None, None]


@pytest.mark.parametrize("yaw", [20.0, -30.0])
def test_turning_camera_is_exact_perspective(yaw: float) -> None:
    x, y = places()[:, *INSIDE]
    before_x, before_y = sources(CameraRates(yaw=yaw), 0.5)[:, *INSIDE]
    focal, angle = 160 / math.tan(math.radians(30)), math.radians(yaw) / 2
    side, ahead = x * math.cos(angle) + focal * math.sin(angle), focal * math.cos(angle) - x * math.sin(angle)
    assert (before_x - focal * side / ahead).abs().max() < 2e-3  # pixels
    assert (before_y - focal * y / ahead).abs().max() < 2e-3


def test_flat_picture_follows_dolly_and_truck() -> None:
    assert (sources(CameraRates(dolly=0.5), 1.0) - places() * math.exp(-0.5)).abs().max() < 2e-3
    way = sources(CameraRates(truck=0.1, pedestal=0.2), 0.5) - places()
    assert way[0].mean() == pytest.approx(0.05 * SIZE[0], abs=1e-3)
    assert way[1].mean() == pytest.approx(-0.1 * SIZE[1], abs=1e-3)


@pytest.mark.parametrize("name", FLIGHTS)
def test_flights_at_12_and_24_frames_a_second_are_equal(name: str) -> None:
    once, half = sources(FLIGHTS[name], 1 / 12), sources(FLIGHTS[name], 1 / 24)
    assert (once - through(half, half))[:, *INSIDE].abs().max() < 0.01
    assert (once - places())[:, *INSIDE].abs().max() > 1


def test_narrowing_field_of_view_zooms_in() -> None:
    rates = [CameraRates(fov=60 - 10 * step / 2) for step in range(3)]
    grids = [
        bent_grid(FRAME, now, 1 / 24, before)[0].double().permute(2, 0, 1) * HALF for before, now in pairwise(rates)
    ]
    ratio = math.tan(math.radians(25)) / math.tan(math.radians(30))
    assert (through(*grids) - places() * ratio)[:, *INSIDE].abs().max() < 0.01
    assert Camera(lambda index: rates[0], 24.0).move(FRAME, 1) is FRAME


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        # A camera that flies over points at X = x / near; x' = focal · X' / Z'.
        (CameraRates(truck=0.2), lambda x, near, t: x - 0.2 * t * SIZE[0] * near),
        (CameraRates(dolly=0.2), lambda x, near, t: x * torch.exp(0.2 * t * near)),
    ],
    ids=["truck", "dolly"],
)
def test_parallax_follows_known_distances(rates: CameraRates, expected: "object") -> None:
    """Half a second, frame by frame, in which the scene's distances move along with its points."""
    view, near, came_from = hills(), hills(), places()
    for _ in range(FPS // 2):
        grid = bent_grid(FRAME, rates, 1 / FPS, near=near)
        came_from = through(came_from, grid[0].double().permute(2, 0, 1) * HALF)
        near = F.grid_sample(near, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
    x, before = places()[0][INSIDE], came_from[:, *INSIDE]
    there = F.grid_sample(view.double(), (before / HALF).permute(1, 2, 0)[None], mode="bicubic", align_corners=False)[
        0, 0
    ]
    moved, exact = x - before[0], expected(before[0], there, 0.5) - before[0]  # type: ignore[operator]
    far = exact.abs() > 2  # pixels; of nearly none no percentage can be told
    assert far.sum() > 2000
    error = ((moved - exact).abs() / exact.abs())[far]
    assert float(error.max()) < 0.05 and float(error.mean()) < 0.01
    parallax = moved.abs().max() / moved.abs()[far].min()
    assert parallax > 1.5  # near points move further


@pytest.mark.parametrize("distance", [0.6, 1.0, 1.7])
def test_drawn_dot_moves_by_its_distance(distance: float) -> None:
    near = torch.full((1, 1, SIZE[1], SIZE[0]), 1 / distance)
    grid = bent_grid(FRAME, CameraRates(truck=0.1, dolly=0.4), 0.25, near=near)
    dot = blob(SIZE[1], SIZE[0], 150, 80, 3.0)
    frame = F.grid_sample(dot, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
    t, nearer = 0.25, 1 / distance
    grown = math.exp(0.4 * nearer * t)
    x = -10 * grown - 0.1 * SIZE[0] * (grown - 1) / 0.4
    assert centroid(frame) == pytest.approx((160 + x, 90 - 10 * grown), abs=0.1)


def test_flight_over_a_picture_tears_nothing() -> None:
    canvas = F.interpolate(
        torch.rand(1, 3, 12, 20, generator=torch.Generator().manual_seed(3)), size=SIZE[::-1], mode="bicubic"
    )
    rates = CameraRates(dolly=0.5, truck=0.2, yaw=10.0, relief=1.0)
    near = (rates.relief * nearness(canvas)).exp()
    grid = bent_grid(canvas, rates, 1 / FPS, near=near)[0].double().permute(2, 0, 1) * HALF
    across, down = grid[:, :, 1:] - grid[:, :, :-1], grid[:, 1:] - grid[:, :-1]
    area = across[0, :-1] * down[1, :, :-1] - across[1, :-1] * down[0, :, :-1]
    assert 0.7 < float(area.min()) and float(area.max()) < 1.3  # no fold, no hole: neighbours stay neighbours
    moved = move(canvas, rates, 1 / FPS)
    assert moved.isfinite().all() and not torch.equal(moved, canvas)


def test_relief_stands_where_the_picture_has_detail() -> None:
    generator = torch.Generator().manual_seed(1)
    for width, height in ((160, 90), (320, 180), (640, 360)):
        canvas = torch.full((1, 3, 90, 160), 0.5)
        canvas[..., 20:70, 20:70] += 0.25 * torch.randn(1, 3, 50, 50, generator=generator)
        canvas = F.interpolate(canvas.clamp(0, 1), size=(height, width), mode="bilinear")
        near = F.interpolate(nearness(canvas), size=(90, 160), mode="bilinear")[0, 0]
        assert near[30:60, 30:60].min() > 0.3 and near[:, 110:].max() < 0
    assert nearness(torch.full((1, 3, 40, 60), 0.3)).abs().max() < 1e-3
