import torch

from pipeline.config import DreamConfig
from pipeline.dream.tone import hold, soften


def test_soften_keeps_small_changes() -> None:
    before = torch.linspace(0, 1, 201).view(1, 1, 1, -1)
    for change in (-0.5, -0.01, 0.01, 0.5):
        after = soften(before, before + change)
        assert 0 <= float(after.min()) and float(after.max()) <= 1
        assert bool((after.diff() >= 0).all())
    middle = soften(torch.full((1,), 0.5), torch.full((1,), 0.52))
    assert abs(float(middle) - 0.52) < 1e-4


def test_no_change_wears_nothing_off() -> None:
    frame = torch.linspace(0, 1, 201).view(1, 1, 1, -1)
    for _ in range(100):
        frame = soften(frame, frame)
    assert torch.equal(frame, torch.linspace(0, 1, 201).view(1, 1, 1, -1))


def test_hold_depends_on_seconds_and_not_on_fps() -> None:
    config = DreamConfig()
    start = 0.8 + 0.05 * torch.randn(1, 3, 60, 60, generator=torch.Generator().manual_seed(0))
    ends = []
    for fps in (12, 48):
        frame = start
        for _ in range(2 * fps):
            frame = hold(frame, config, 1 / fps)
        ends.append(float(frame.mean()))
        assert abs(float(frame.mean()) - config.tone_mean) < 0.01
        assert abs(float(frame.std()) - config.tone_contrast) < 0.02
    assert abs(ends[0] - ends[1]) < 1e-4


def test_a_flat_picture_is_not_blown_up() -> None:
    frame = torch.full((1, 3, 8, 8), 0.45)
    held = hold(frame, DreamConfig(), 1 / 24)
    assert bool(held.isfinite().all())
    assert float(held.std()) < 1e-3
