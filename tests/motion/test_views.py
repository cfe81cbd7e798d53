"""A dome and two eyes: where directions and distances go in what is shown."""

import math

import pytest
import torch

from pipeline.cli.compose import make_config
from pipeline.config import CameraRates
from pipeline.errors import ConfigError
from pipeline.motion.relief import nearness
from pipeline.motion.views import DomeView, StereoView
from pipeline.plan.planner import plan_film
from tests.motion.test_camera import blob, centroid
from tests.projection.test_sphere import painted

STILL = CameraRates(relief=0.8)


def test_dome_has_the_zenith_in_its_middle() -> None:
    dome = DomeView(101)((painted() + 1) / 2, STILL)[0] * 2 - 1
    assert dome[:, 50, 50].tolist() == pytest.approx([0, -1, 0], abs=0.02)  # up
    assert dome[:, 98, 50].tolist() == pytest.approx([0, 0, 1], abs=0.09)  # ahead, at the horizon
    assert dome[:, 50, 75].tolist() == pytest.approx([math.sin(math.pi / 4), -math.cos(math.pi / 4), 0], abs=0.03)
    assert (dome[:, 0, 0] == -1).all()  # black around the circle


@pytest.mark.parametrize("layout", ["side_by_side", "top_bottom"])
@pytest.mark.parametrize("x", [50, 160])
def test_near_point_stands_before_the_screen(layout: str, x: int) -> None:
    frame = (0.3 + 0.6 * blob(120, 200, x, 60, 4)).clamp(0, 1)
    left, right = StereoView(layout, 0.06)(frame, STILL).chunk(2, 3 if layout == "side_by_side" else 2)
    assert torch.cat([left, right], 3 if layout == "side_by_side" else 2).shape == frame.shape
    grow = 2 if layout == "side_by_side" else 1
    shift = grow * (centroid(left - 0.35)[0] - centroid(right - 0.35)[0])
    distance = torch.exp(0.8 * nearness(frame))[0, 0]
    nearer = float(distance[distance.shape[0] // 2, round(x * distance.shape[1] / 200)])
    assert nearer > 1.3 and shift == pytest.approx(0.06 * 200 * (nearer - 1), abs=0.7)


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("frame.stereo=side_by_side", r"frame\.stereo"),
        ("frame.stereo=top_bottom format=sphere camera.zoom=1.2", r"frame\.stereo"),
        ("format=dome loop=true", "loop"),
        ("frame.stereo=side_by_side camera=flight loop=true", "loop"),
        ("frame.projection=dome", "format=dome"),
        ("frame.projection=equirect frame.aspect=16:9", "format=sphere"),
    ],
)
def test_views_refuse_what_they_cannot_show(words: str, key: str, tmp_path: "object") -> None:
    with pytest.raises(ConfigError, match=key):
        plan_film(make_config(["network=motifnet", *words.split()]), tmp_path, "film")  # type: ignore[arg-type]
