import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch.utils._python_dispatch import TorchDispatchMode

from pipeline.config import CameraRates
from pipeline.motion.camera import Camera, move, sampling_grid
from pipeline.motion.rates import mean_rates, similarity
from pipeline.runtime.device import choose_device

STILL = CameraRates()


def blob(height: int, width: int, x: float, y: float, radius: float = 6.0) -> torch.Tensor:
    """A soft white dot at (x, y) pixels on black, (1, 3, H, W)."""
    rows = torch.arange(height)[:, None] + 0.5
    columns = torch.arange(width)[None, :] + 0.5
    dot = torch.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * radius**2))
    return dot.expand(1, 3, height, width).contiguous()


def centroid(frame: torch.Tensor) -> tuple[float, float]:
    """Centre of brightness (x, y) in pixels."""
    weight = frame.mean(dim=(0, 1)).clamp(min=0.02) - 0.02
    rows = torch.arange(frame.shape[2]) + 0.5
    columns = torch.arange(frame.shape[3]) + 0.5
    total = weight.sum()
    return float((weight.sum(0) * columns).sum() / total), float((weight.sum(1) * rows).sum() / total)


def test_still_camera_returns_the_canvas_itself() -> None:
    canvas = blob(40, 60, 20, 10)
    assert move(canvas, STILL, 1.0) is canvas


def test_zooming_in_moves_things_from_the_center() -> None:
    moved = move(blob(120, 200, 120, 70), CameraRates(zoom=1.5), 1.0)
    assert centroid(moved) == pytest.approx((100 + 20 * 1.5, 60 + 10 * 1.5), abs=0.3)


def test_zooming_out_shows_the_mirror_image_outside() -> None:
    moved = move(torch.full((1, 3, 60, 80), 0.7), CameraRates(zoom=0.5), 1.0)
    assert torch.allclose(moved, torch.full_like(moved, 0.7), atol=1e-5)
    dot = move(blob(120, 200, 10, 60), CameraRates(zoom=0.5), 1.0)
    assert dot[0, 0, 60, 45] > 0.3
    assert dot[0, 0, 60, 55] > 0.9


def test_image_turns_clockwise() -> None:
    moved = move(blob(120, 200, 130, 60), CameraRates(rotate=90.0), 1.0)
    assert centroid(moved) == pytest.approx((100, 90), abs=0.3)


def test_panning_right_and_down_moves_things_left_and_up() -> None:
    moved = move(blob(120, 200, 100, 60), CameraRates(pan=(0.1, 0.2)), 1.0)
    assert centroid(moved) == pytest.approx((80, 36), abs=0.3)


def test_center_stays_in_place() -> None:
    rates = CameraRates(zoom=2.0, rotate=45.0, center=(0.25, 0.75))
    moved = move(blob(120, 200, 50, 90, 4), rates, 1.0)
    assert centroid(moved) == pytest.approx((50, 90), abs=0.4)


@pytest.mark.parametrize("fps", [1, 12, 24, 60])
def test_camera_path_is_exact_at_any_frame_rate(fps: int) -> None:
    rates = CameraRates(1.7, 33.0, (0.11, -0.07))
    point = whole = complex(31, -12)
    turn, shift = similarity(rates, (640, 360), 2.0)
    whole = turn * whole + shift
    turn, shift = similarity(rates, (640, 360), 1 / fps)
    for _ in range(2 * fps):
        point = turn * point + shift
    assert abs(point - whole) < 1e-8


ROWS = slice(None, None, 83)  # enough of a large frame to compare


def places(turn: complex, shift: complex, center: tuple[float, float], size: tuple[int, int]) -> NDArray[np.float64]:
    """Where some rows of the camera's pixels come from, (rows, W, 2) in [-1, 1], by affine arithmetic in float64."""
    width, height = size
    fixed = complex(center[0] * width, center[1] * height)
    here = (np.arange(width)[None, :] + 0.5) + 1j * (np.arange(height)[ROWS, None] + 0.5)
    there = fixed + (here - fixed - shift) / turn
    return np.stack([2 * there.real / width - 1, 2 * there.imag / height - 1], axis=-1)


def by_matrix(turn: complex, shift: complex, center: tuple[float, float], size: tuple[int, int]) -> torch.Tensor:
    """The whole grid as torch makes it of a matrix, in float32."""
    width, height = size
    back, fixed = 1 / turn, complex(center[0] * width, center[1] * height)
    middle = complex(width, height) / 2
    offset = fixed + (middle - fixed - shift) * back - middle
    rows = [
        [back.real, -back.imag * height / width, offset.real * 2 / width],
        [back.imag * width / height, back.real, offset.imag * 2 / height],
    ]
    return F.affine_grid(torch.tensor([rows]), [1, 3, height, width], align_corners=False)


@pytest.mark.parametrize(
    ("zoom", "rotate", "pan", "center"),
    [
        (1.005, 0.0, (0.0, 0.0), (0.5, 0.5)),
        (1.0, 2.0, (0.0, 0.0), (0.5, 0.5)),
        (3.0, 40.0, (0.1, -0.2), (0.3, 0.7)),
        (0.3, -90.0, (0.1, -0.2), (0.3, 0.7)),
    ],
)
def test_sampling_positions_in_large_frames_are_precise(
    zoom: float, rotate: float, pan: tuple[float, float], center: tuple[float, float]
) -> None:
    size = (3840, 2160)
    turn, shift = similarity(CameraRates(zoom, rotate, pan), size, 1 / 30)
    exact = places(turn, shift, center, size)
    grid = sampling_grid(turn, shift, center, torch.empty(1, 1, 1, 1).expand(1, 3, size[1], size[0]))
    assert grid.dtype == torch.float32 and grid.shape == (1, size[1], size[0], 2)
    off = np.abs(grid[0, ROWS].numpy() - exact).max()
    assert off * size[0] / 2 < 3e-4  # pixels
    assert off <= np.abs(by_matrix(turn, shift, center, size)[0, ROWS].numpy() - exact).max()


def test_slow_zoom_moves_every_part_of_a_large_frame() -> None:
    """A third of a pixel at the edge: less than places of ten bits can tell apart."""
    turn, shift = similarity(CameraRates(1.005), (3840, 2160), 1 / 30)
    across = sampling_grid(turn, shift, (0.5, 0.5), torch.empty(1, 3, 8, 3840))[0, 4, :, 0].double().numpy()
    here = (2 * np.arange(3840) + 1) / 3840 - 1
    moved, expected = (across - here) * 1920, here * (1 / turn.real - 1) * 1920
    assert abs(expected[0]) == pytest.approx(0.32, abs=0.01)
    assert np.abs(moved - expected).max() < 3e-4


def test_camera_uses_no_matrix_products_and_no_copies() -> None:
    """A GPU rounds the one to ten bits and has the program wait for the other."""
    operations = set()

    class Listening(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            operations.add(func.overloadpacket.__name__)
            return func(*args, **(kwargs or {}))

    with Listening():  # small and turned, it is sampled in one piece by a CPU too
        move(blob(30, 60, 20, 10), CameraRates(zoom=1.5, rotate=10.0), 1.0)
    assert "grid_sampler_2d" in operations
    products = {"mm", "bmm", "addmm", "baddbmm", "matmul", "affine_grid_generator"}
    assert not operations & {*products, "lift_fresh", "_to_copy", "copy_", "copy"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("zoom", [1.005, 1.15, 0.7])
def test_gpu_moves_like_the_cpu(zoom: float) -> None:
    device = choose_device("cuda")
    canvas = torch.rand(1, 3, 1080, 1920, generator=torch.Generator().manual_seed(0))
    canvas = F.avg_pool2d(canvas, 31, stride=1, padding=15)  # smooth: places count, not their last digits
    rates = CameraRates(zoom, 3.0, (0.01, 0.0), (0.4, 0.5))
    there = move(canvas.to(device), rates, 1 / 30)
    assert torch.allclose(there.cpu(), move(canvas, rates, 1 / 30), atol=1e-5)
    turn, shift = similarity(rates, (1920, 1080), 1 / 30)
    here, there = (sampling_grid(turn, shift, (0.4, 0.5), each) for each in (canvas, canvas.to(device)))
    assert torch.allclose(there.cpu(), here, atol=1e-6)


def test_tiny_zoom_is_a_pure_pan() -> None:
    turn, shift = similarity(CameraRates(1 + 1e-14, 0.0, (0.5, 0.0)), (100, 100), 0.04)
    assert abs(turn - 1) < 1e-12
    assert shift == pytest.approx(-2.0)


def test_many_small_moves_keep_the_image_sharp() -> None:
    canvas = blob(120, 200, 100, 60, 3)
    for _ in range(24):
        canvas = move(canvas, CameraRates(rotate=15.0), 1 / 24)
    assert float(canvas.max()) > 0.9
    assert not math.isnan(float(canvas.sum()))


@pytest.mark.parametrize("fps", [12, 24, 60])
def test_changing_zoom_travels_as_far_at_any_frame_rate(fps: int) -> None:
    rates = [CameraRates(zoom=1 + 0.75 * index / fps) for index in range(2 * fps + 1)]
    travel = math.prod(mean_rates(pair).zoom ** (1 / fps) for pair in pairwise(rates))
    # The integral of ln(1 + 3t/4) from 0 to 2 seconds.
    assert travel == pytest.approx(math.exp((2.5 * math.log(2.5) - 1.5) / 0.75), rel=2e-3)


def test_few_frames_per_second_are_sampled_in_between() -> None:
    samples: list[float] = []

    def rates(index: float) -> CameraRates:
        samples.append(index)
        return CameraRates()

    Camera(rates, 4.0).move(blob(40, 60, 20, 10), 3)
    assert samples[:7] == pytest.approx([2 + step / 6 for step in range(7)])


@pytest.mark.parametrize("settings", [{"zoom": 1.3, "center": (0.3, 0.8)}, {"zoom": 0.8}, {"pan": (0.2, -0.1)}])
def test_straight_moves_sample_where_the_grid_says(settings: dict[str, Any]) -> None:
    canvas, rates = torch.rand(1, 6, 48, 80, generator=torch.Generator().manual_seed(2)), CameraRates(**settings)
    grid = sampling_grid(*similarity(rates, (80, 48), 0.5), rates.center, canvas)
    expected = F.grid_sample(canvas, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
    assert torch.allclose(move(canvas, rates, 0.5), expected, atol=2e-4)
