"""Frames in between lie where things are in between."""

import pytest
import torch

from pipeline.motion.interpolate import Interpolator
from tests.motion.test_camera import blob, centroid


def textured(x: float, y: float) -> torch.Tensor:
    """A drawn dot on a calm textured ground, (1, 3, H, W)."""
    rows, columns = torch.arange(120)[:, None], torch.arange(200)[None]
    ground = 0.02 * (torch.sin(columns / 3.0) + torch.sin(rows / 4.0))
    return (ground + 0.05 + 0.8 * blob(120, 200, x, y, 8.0)).clamp(0, 1)


@pytest.mark.parametrize("fraction", [0.25, 0.5, 0.8])
def test_dot_is_in_between(fraction: float) -> None:
    before, after = textured(80, 60), textured(90, 54)
    frame = Interpolator().between(before, after, fraction, (0, 1))
    x, y = centroid((frame - textured(-500, -500)).clamp(0, 1))
    assert (x, y) == pytest.approx((80 + 10 * fraction, 60 - 6 * fraction), abs=0.5)
    assert float(frame.max()) > 0.8  # one dot, not the ghosts of two


def test_flow_of_a_pair_is_estimated_once() -> None:
    flow, before, after = Interpolator(), textured(80, 60), textured(90, 54)
    first = flow.between(before, after, 0.5, (0, 1))
    assert torch.equal(flow.between(before, after, 0.5, (0, 1)), first)
    assert torch.equal(Interpolator().between(before, after, 0.5, (7, 8)), first)
