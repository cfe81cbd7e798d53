"""Momentum: steps that agree add up, others cancel, at any frame rate."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from pipeline.config import DreamConfig
from pipeline.dream.momentum import carry_on, early, split

CANVAS = torch.full((1, 3, 4, 5), 0.5)


def after_steps(steps: Sequence[float | Tensor], momentum: float, seconds: float, coarse: float = 0.0) -> Tensor:
    canvas = torch.full_like(steps[0], 0.5) if isinstance(steps[0], Tensor) else CANVAS
    config = DreamConfig(momentum=momentum, coarse_momentum=coarse)
    for step in steps:
        colors, velocity = split(canvas)
        canvas = carry_on(colors, colors + step, velocity, config, seconds)
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


WAVE = 0.001 * torch.sin(torch.arange(640.0) * 2 * torch.pi / 160).expand(1, 3, 360, 640)  # of 160 pixels
CHECKS = 0.001 * (1 - 2 * (torch.arange(640) % 2).float()).expand(1, 3, 360, 640)


@pytest.mark.parametrize(("form", "share"), [(WAVE, 0.05), (CHECKS, 0.2)])
def test_large_forms_go_on_for_longer(form: Tensor, share: float) -> None:
    """The first of many equal steps shows how much of each is taken up."""
    velocity = after_steps([form], 0.8, 1 / 24, coarse=0.95)[:, 3:]
    assert float((velocity * form).sum() / form.square().sum()) == pytest.approx(share, rel=0.05)


def test_large_forms_reach_their_full_size() -> None:
    velocity = after_steps([WAVE] * 120, 0.8, 1 / 24, coarse=0.95)[:, 3:]
    assert float((velocity * WAVE).sum() / WAVE.square().sum()) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("frames", "fine", "coarse"), [(0, 0, 0), (1, 0.5, 0.5), (9, 0.8, 0.9), (1000, 0.8, 0.95)])
def test_momentum_begins_at_0_and_counts_the_time(frames: int, fine: float, coarse: float) -> None:
    config = early(DreamConfig(momentum=0.8, coarse_momentum=0.95), frames / 24)
    assert (config.momentum, config.coarse_momentum) == pytest.approx((fine, coarse))


def test_nothing_changes_outside_of_what_is_dreamed() -> None:
    colors, step = 0.5 + 100 * WAVE, torch.zeros_like(WAVE)
    step[..., 100:200, 200:400] = 0.01
    canvas = carry_on(
        colors, colors + step, torch.zeros_like(step), DreamConfig(momentum=0.8, coarse_momentum=0.95), 1 / 24
    )
    far = torch.ones(360, 640, dtype=torch.bool)
    far[80:220, 180:420] = False
    assert float(canvas[:, 3:, far].abs().max()) == 0


def test_a_coarse_momentum_that_is_less_changes_nothing() -> None:
    assert torch.equal(after_steps([WAVE, CHECKS], 0.8, 1 / 24), after_steps([WAVE, CHECKS], 0.8, 1 / 24, coarse=0.8))
