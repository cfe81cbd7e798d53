import torch

from pipeline.config import DreamConfig
from pipeline.dream.tone import KNEE, hold, soft_clip


def test_the_middle_is_untouched_and_the_ends_are_bent_smoothly_inside() -> None:
    values = torch.linspace(-1, 2, 3001).view(1, 1, 1, -1)
    bent = soft_clip(values)
    middle = (values > KNEE) & (values < 1 - KNEE)
    assert torch.equal(bent[middle], values[middle])
    assert 0 <= float(bent.min()) and float(bent.max()) <= 1
    assert bool((bent.diff() >= 0).all())
    assert float(bent.diff().max()) < 0.0011  # no jump where the bend begins


def test_hold_pulls_mean_and_contrast_to_the_set_point_at_the_same_pace_at_any_fps() -> None:
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
