"""Trails: a share of the last seconds, moved along, at any frame rate."""

import math
from dataclasses import replace

import pytest
import torch

from pipeline.config import CameraRates, DreamConfig, FlowConfig
from pipeline.cue import Cue
from pipeline.motion.camera import Camera
from pipeline.motion.echo import Echo
from pipeline.motion.stage import Zoom
from tests.motion.test_camera import blob, centroid

SIZE = (120, 200)


def cue(echo: float = 0.5, seconds: float = 0.5) -> Cue:
    dream = replace(DreamConfig(), echo=echo, echo_seconds=seconds)
    return Cue(0.0, CameraRates(), dream, FlowConfig(), lambda scale: {}, "")


def stage(rates: CameraRates, fps: float) -> Echo:
    camera = Camera(lambda index: rates, fps)
    return Echo(Zoom(camera, SIZE), camera)


@pytest.mark.parametrize("fps", [12, 24])
def test_what_disappears_fades_by_a_third_at_any_frame_rate(fps: int) -> None:
    echo, white, black = stage(CameraRates(), fps), torch.ones(1, 3, *SIZE), torch.zeros(1, 3, *SIZE)
    echo.advance(white, cue(), 0)
    canvas = echo.finish(white, 0)
    for index in range(1, fps // 2 + 1):
        echo.advance(canvas, cue(), index)
        canvas = echo.finish(black, index)
    assert float(echo.shown(canvas, cue(echo=0.8)).mean()) == pytest.approx(0.8 * math.exp(-1), rel=1e-4)
    assert torch.equal(echo.shown(canvas, cue(echo=0.0)), black)


def test_trail_moves_along_with_the_camera() -> None:
    echo = stage(CameraRates(zoom=1.5, pan=(0.1, 0.0)), 12)
    dot = blob(*SIZE, 130, 70)
    echo.advance(dot, cue(), 0)
    canvas = echo.finish(dot, 0)
    for index in range(1, 7):
        canvas = echo.finish(echo.advance(canvas, cue(), index), index)
    assert canvas.shape == (1, 6, *SIZE)
    assert centroid(canvas[:, 3:]) == pytest.approx(centroid(canvas[:, :3]), abs=0.01)
    assert centroid(canvas[:, :3])[0] < 128


def test_the_first_frame_has_no_trail() -> None:
    echo, frame = stage(CameraRates(), 12), torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(1))
    echo.advance(torch.ones(1, 3, *SIZE), cue(), 0)
    assert torch.equal(echo.shown(echo.finish(frame, 0), cue()), frame)
