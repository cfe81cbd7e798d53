import math

import pytest
import torch

from pipeline.motion.camera import move, similarity

STILL = {"zoom": 1.0, "rotate": 0.0, "pan": (0.0, 0.0), "center": (0.5, 0.5)}


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


def test_a_still_camera_returns_the_canvas_itself() -> None:
    canvas = blob(40, 60, 20, 10)
    assert move(canvas, **STILL, seconds=1.0) is canvas


def test_zooming_in_moves_things_away_from_the_centre() -> None:
    moved = move(blob(120, 200, 120, 70), **{**STILL, "zoom": 1.5}, seconds=1.0)
    assert centroid(moved) == pytest.approx((100 + 20 * 1.5, 60 + 10 * 1.5), abs=0.3)


def test_zooming_out_shows_the_mirror_image_outside_and_no_border() -> None:
    moved = move(torch.full((1, 3, 60, 80), 0.7), **{**STILL, "zoom": 0.5}, seconds=1.0)
    assert torch.allclose(moved, torch.full_like(moved, 0.7), atol=1e-5)
    dot = move(blob(120, 200, 10, 60), **{**STILL, "zoom": 0.5}, seconds=1.0)
    assert dot[0, 0, 60, 45] > 0.3
    assert dot[0, 0, 60, 55] > 0.9


def test_the_picture_turns_clockwise() -> None:
    moved = move(blob(120, 200, 130, 60), **{**STILL, "rotate": 90.0}, seconds=1.0)
    assert centroid(moved) == pytest.approx((100, 90), abs=0.3)


def test_panning_right_and_down_moves_the_picture_left_and_up() -> None:
    moved = move(blob(120, 200, 100, 60), **{**STILL, "pan": (0.1, 0.2)}, seconds=1.0)
    assert centroid(moved) == pytest.approx((80, 36), abs=0.3)


def test_the_centre_stays_where_it_is() -> None:
    settings = {"zoom": 2.0, "rotate": 45.0, "pan": (0.0, 0.0), "center": (0.25, 0.75)}
    moved = move(blob(120, 200, 50, 90, 4), **settings, seconds=1.0)
    assert centroid(moved) == pytest.approx((50, 90), abs=0.4)


@pytest.mark.parametrize("fps", [1, 12, 24, 60])
def test_the_camera_is_at_the_same_place_at_any_frame_rate(fps: int) -> None:
    rates = {"zoom": 1.7, "rotate": 33.0, "pan": (0.11, -0.07), "size": (640, 360)}
    point = whole = complex(31, -12)
    turn, shift = similarity(**rates, seconds=2.0)
    whole = turn * whole + shift
    turn, shift = similarity(**rates, seconds=1 / fps)
    for _ in range(2 * fps):
        point = turn * point + shift
    assert abs(point - whole) < 1e-8


def test_a_tiny_rate_is_the_limit_of_a_pure_pan() -> None:
    turn, shift = similarity(1 + 1e-14, 0.0, (0.5, 0.0), (100, 100), 0.04)
    assert abs(turn - 1) < 1e-12
    assert shift == pytest.approx(-2.0)


def test_a_second_of_small_moves_keeps_a_picture_sharp() -> None:
    canvas = blob(120, 200, 100, 60, 3)
    for _ in range(24):
        canvas = move(canvas, **{**STILL, "rotate": 15.0}, seconds=1 / 24)
    assert float(canvas.max()) > 0.9
    assert not math.isnan(float(canvas.sum()))
