"""Colours of finished frames: neutral, natural, within their range."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from pipeline.color import grade as grade_module
from pipeline.color.oklab import to_lab
from pipeline.color.palette import frame_statistics, palette_of
from pipeline.config import ColorConfig
from pipeline.config.palettes import PALETTES
from pipeline.image import REC709, luma, resize
from pipeline.inputs.grade import build_grade
from pipeline.media.decode.image_file import save_png


def picture(height: int = 48, width: int = 64) -> Tensor:
    """Soft colours of medium strength."""
    rng = torch.Generator().manual_seed(1)
    return (resize(torch.rand(1, 3, 6, 8, generator=rng), (height, width)) * 0.7 + 0.1).clamp(0, 1)


def colored(frame: Tensor, **settings: object) -> Tensor:
    color = ColorConfig(**settings)  # type: ignore[arg-type]
    grade = build_grade(color, frame.device)
    assert grade is not None
    return grade(frame, color)


def lab_of(frame: Tensor) -> Tensor:
    return to_lab(frame[0].flatten(1).T)


def test_neutral_settings_change_nothing() -> None:
    frame = picture()
    assert build_grade(ColorConfig(), frame.device) is None
    grade = build_grade(ColorConfig(saturation="t", palette="dusk"), frame.device)
    assert grade is not None
    assert grade(frame, ColorConfig(palette="dusk", palette_strength=0.0)) is frame


@pytest.mark.parametrize(
    "settings",
    [
        {"saturation": 1.001},
        {"temperature": 0.001},
        {"contrast": 1.001},
        {"chroma_smoothing": 0.001},
        {"denoise": 0.001},
        {"palette": "neon", "palette_strength": 0.001},
    ],
)
def test_curves_leave_neutral_without_a_jump(settings: dict[str, object]) -> None:
    frame = torch.cat([picture(), torch.zeros(1, 3, 1, 64), torch.ones(1, 3, 1, 64)], dim=2)
    frame[:, 0, :8] = 1.0  # as saturated as can be
    assert (colored(frame, **settings) - frame).abs().max() < 0.004


def test_saturation_and_temperature_keep_lightness() -> None:
    frame = picture()
    grey = colored(frame, saturation=0.0)
    assert (grey - grey[:, :1]).abs().max() < 1e-4
    for result in (grey, colored(frame, temperature=0.6), colored(frame, saturation=1.3)):
        assert (lab_of(result)[:, 0] - lab_of(frame)[:, 0]).abs().mean() < 0.01
    chroma = [lab_of(colored(frame, saturation=s))[:, 1:].norm(dim=1).mean() for s in (0.5, 1.001, 1.5)]
    assert chroma[0] < 0.55 * chroma[1] and chroma[2] > 1.2 * chroma[1]


def test_warm_is_redder_and_cool_is_bluer() -> None:
    means = [colored(picture(), temperature=t).mean(dim=(0, 2, 3)) for t in (-1.0, 1e-6, 1.0)]
    warmth = [float(mean[0] - mean[2]) for mean in means]
    assert warmth[0] < warmth[1] - 0.1 and warmth[2] > warmth[1] + 0.1


def test_sharpness_scales_the_finest_detail_alone() -> None:
    step = torch.full((1, 3, 16, 32), 0.3)
    step[..., 16:] = 0.6
    stripes = 0.1 * (torch.arange(32) % 2) - 0.05
    picture = step + stripes
    soft = colored(picture, sharpness=0.0)
    assert float((soft - soft.mean(2, keepdim=True)).abs().max()) < 1e-6
    assert float((soft[..., 4:12] - 0.3).abs().max()) < 1e-6  # stripes of one pixel are gone
    assert float(soft[..., 20:28].mean()) == pytest.approx(0.6, abs=1e-3)
    sharp = colored(picture, sharpness=2.0)
    assert torch.allclose(sharp[..., 4:12] - 0.3, 2 * stripes[4:12].expand(1, 3, 16, 8), atol=1e-5)


@pytest.mark.parametrize("height", [24, 90, 360])
def test_smoothed_chroma_keeps_luma_and_forms_and_loses_mottling(height: int) -> None:
    rng = torch.Generator().manual_seed(2)
    halves = torch.tensor([0.6, 0.4, 0.3]).view(1, 3, 1, 1).repeat(1, 1, height, 2 * height)
    halves[..., height:] = torch.tensor([0.2, 0.25, 0.3]).view(1, 3, 1, 1)
    mottling = torch.randn(1, 3, height, 2 * height, generator=rng) * 0.05
    mottling -= (mottling * torch.tensor(REC709).view(1, 3, 1, 1)).sum(1, keepdim=True)  # of colour alone
    result = colored(halves + mottling, chroma_smoothing=1.0)
    assert (luma(result) - luma(halves)).abs().max() < 1e-5
    assert (result - halves).square().mean() < (0.1 if height >= 90 else 0.2) * mottling.square().mean()
    assert (colored(halves, chroma_smoothing=1.0) - halves).abs().mean() < 0.004


def test_denoise_takes_grain_and_keeps_edges_and_colors() -> None:
    rng = torch.Generator().manual_seed(2)
    halves = torch.tensor([0.6, 0.4, 0.3]).view(1, 3, 1, 1).repeat(1, 1, 64, 128)
    halves[..., 64:] = torch.tensor([0.2, 0.25, 0.3]).view(1, 3, 1, 1)
    grain = torch.randn(1, 1, 64, 128, generator=rng) * 0.02
    result = colored(halves + grain, denoise=1.0)
    left = (result - halves)[..., 4:-4, :]
    for inside in (left[..., 8:56], left[..., 72:120]):
        assert inside.square().mean() < 0.2 * grain.square().mean()
    steps = [light[..., 63].mean() - light[..., 64].mean() for light in (luma(result), luma(halves))]
    assert steps[0] > 0.75 * steps[1]
    assert torch.allclose(result - luma(result), halves - luma(halves), atol=1e-5)
    assert (colored(halves, denoise=1.0) - halves).abs().mean() < 0.004


def test_contrast_has_its_slope_at_middle_gray() -> None:
    ramp = torch.linspace(0, 1, 1001).expand(1, 3, 1, 1001)
    for contrast in (0.5, 2.0):
        result = colored(ramp, contrast=contrast)[0, 0, 0]
        assert result[450] == pytest.approx(0.45, abs=1e-4)
        assert (result[451] - result[449]) / 0.002 == pytest.approx(contrast, rel=0.02)
        assert (result.diff() >= 0).all()
    assert colored(ramp, contrast=2.0)[0, 0, 0, [0, -1]].tolist() == pytest.approx([0, 1], abs=1e-4)


@pytest.mark.parametrize("name", PALETTES)
def test_palette_gives_its_colors_and_keeps_lightness(name: str) -> None:
    frame, target = picture(), palette_of(PALETTES[name])
    result = frame_statistics(colored(frame, palette=name))
    assert (result.mean[1:] - target.mean[1:]).norm() < 0.03
    assert result.slope[1] == pytest.approx(float(target.slope[1]), abs=0.03)
    assert (lab_of(colored(frame, palette=name))[:, 0] - lab_of(frame)[:, 0]).abs().mean() < 0.02


def test_palette_of_a_picture_is_that_of_the_whole_picture(tmp_path: Path) -> None:
    wide = torch.full((1, 3, 20, 100), 0.5)
    wide[:, 0, :, 90:] = 1.0  # at the edge, which a crop would lose
    save_png(wide, tmp_path / "wide.png")
    result = frame_statistics(colored(picture(), palette=str(tmp_path / "wide.png")))
    assert (result.mean - frame_statistics(wide).mean)[1:].norm() < 0.01


def test_smooth_gradients_stay_smooth() -> None:
    ramp = torch.stack([torch.linspace(a, b, 2000) for a, b in ((0.1, 0.9), (0.5, 0.6), (0.8, 0.2))]).view(1, 3, 1, -1)
    for settings in (
        {"palette": "neon"},
        {"saturation": 3.0},
        {"palette": "dusk", "temperature": 1.0, "contrast": 1.5},
    ):
        steps = colored(ramp, **settings).diff(dim=3).abs()
        assert steps.max() < 0.004  # one step of eight bits


def test_no_setting_leaves_the_range() -> None:
    frame = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(2))
    frame[..., :4], frame[..., 4:8] = 0.0, 1.0
    for palette in (None, "candy"):
        for temperature, saturation, contrast in ((-1.0, 4.0, 4.0), (1.0, 4.0, 0.1), (1.0, 0.0, 1.0)):
            settings = {"temperature": temperature, "saturation": saturation, "contrast": contrast}
            result = colored(frame, palette=palette, **settings)
            assert result.isfinite().all() and result.min() >= 0 and result.max() <= 1


def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"palette": "moss", "temperature": 0.2, "contrast": 1.2}
    whole = colored(picture(), **settings)
    monkeypatch.setattr(grade_module, "STRIP_PIXELS", 300)
    assert torch.equal(colored(picture(), **settings), whole)
