"""Momentum: steps that agree add up, others cancel, at any frame rate."""

import pytest
import torch
from torch import Tensor

from pipeline.config import DreamConfig
from pipeline.dream.momentum import carry_on, split

CANVAS = torch.full((1, 3, 4, 5), 0.5)


def after_steps(steps: list[float], momentum: float, seconds: float) -> Tensor:
    canvas = CANVAS
    for step in steps:
        colors, velocity = split(canvas)
        canvas = carry_on(colors, colors + step, velocity, DreamConfig(momentum=momentum), seconds)
    return canvas


def test_steps_that_agree_reach_their_full_size() -> None:
    canvas = after_steps([0.001] * 100, 0.8, 1 / 24)
    assert float(canvas[:, 3:].mean()) == pytest.approx(0.001, rel=1e-3)


def test_steps_that_alternate_cancel() -> None:
    canvas = after_steps([0.01, -0.01] * 20, 0.8, 1 / 24)
    assert float(canvas[:, 3:].abs().max()) < 0.002


def test_two_steps_of_half_the_time_leave_the_same_velocity() -> None:
    fast, slow = after_steps([0.001] * 6, 0.8, 1 / 48), after_steps([0.001] * 3, 0.8, 1 / 24)
    assert torch.allclose(fast[:, 3:], slow[:, 3:], rtol=1e-4)


def test_colors_stay_within_their_range() -> None:
    canvas = after_steps([0.4] * 10, 0.5, 1 / 24)
    assert float(canvas[:, :3].max()) == 1


def test_without_momentum_a_step_is_whole() -> None:
    assert torch.equal(after_steps([0.1], 0.0, 1 / 24)[:, :3], CANVAS + 0.1)
