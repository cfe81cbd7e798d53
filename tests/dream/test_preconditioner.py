import pytest
import torch
from torch import Tensor

from pipeline.config import DreamConfig
from pipeline.dream.preconditioner import step_direction


def noise(height: int = 96, width: int = 130) -> Tensor:
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(1))


def fine_share(picture: Tensor) -> float:
    """The share of energy above a quarter cycle per pixel, inside: borders that do not meet would count as detail."""
    fading = torch.hann_window(picture.shape[2])[:, None] * torch.hann_window(picture.shape[3])
    power = torch.fft.rfft2(picture * fading).abs().square()
    rows = torch.fft.fftfreq(picture.shape[2])[:, None]
    frequency = torch.hypot(rows, torch.fft.rfftfreq(picture.shape[3])[None, :])
    return float(power[..., frequency > 0.25].sum() / power.sum())


@pytest.mark.parametrize("mode", ["fourier", "gaussian", "laplacian", "none"])
@pytest.mark.parametrize("size", [(96, 130), (33, 47), (16, 16)])
def test_every_mode_gives_unit_deviation_at_any_size(mode: str, size: tuple[int, int]) -> None:
    direction = step_direction(noise(*size) * 1e-4, DreamConfig(precondition=mode, fill=0.5))
    assert direction.shape == (1, 3, *size)
    assert float(direction.std()) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("mode", ["fourier", "gaussian", "laplacian"])
def test_borders_do_not_smear_over_each_other(mode: str) -> None:
    gradient = torch.zeros(1, 3, 96, 130)
    gradient[..., :4] = noise(96, 4)
    smeared = step_direction(gradient, DreamConfig(precondition=mode, color_correlation=0)).square()
    assert smeared[..., -8:].mean() < 0.01 * smeared[..., :8].mean()


@pytest.mark.parametrize("mode", ["fourier", "gaussian"])
def test_preconditioning_damps_fine_detail(mode: str) -> None:
    plain = fine_share(step_direction(noise(), DreamConfig(precondition="none", color_correlation=0)))
    shaped = fine_share(step_direction(noise(), DreamConfig(precondition=mode, color_correlation=0)))
    assert shaped < plain / 2


def test_the_laplacian_evens_out_the_bands() -> None:
    coarse = torch.nn.functional.interpolate(noise(12, 16), scale_factor=8, mode="bicubic")
    mixed = coarse + 0.01 * noise(96, 128)
    evened = step_direction(mixed, DreamConfig(precondition="laplacian", color_correlation=0))
    assert fine_share(evened) > 3 * fine_share(mixed)


def test_a_higher_exponent_is_smoother() -> None:
    shares = [fine_share(step_direction(noise(), DreamConfig(exponent=e, color_correlation=0))) for e in (0, 0.5, 1, 2)]
    assert shares == sorted(shares, reverse=True)
    classic = step_direction(noise(), DreamConfig(precondition="none", color_correlation=0))
    assert torch.allclose(step_direction(noise(), DreamConfig(exponent=0, color_correlation=0)), classic, atol=1e-4)


def test_colours_move_together_as_in_photographs() -> None:
    alone = torch.corrcoef(step_direction(noise(), DreamConfig(color_correlation=0))[0].flatten(1))
    together = torch.corrcoef(step_direction(noise(), DreamConfig(color_correlation=1))[0].flatten(1))
    assert float(alone[0, 2].abs()) < 0.3
    assert float(together[0, 2]) > 0.6


def test_equalizing_brings_calm_areas_forward() -> None:
    uneven = noise()
    uneven[..., :65] *= 100
    ratios = []
    for power in (0.0, 0.6, 1.0):
        direction = step_direction(uneven, DreamConfig(precondition="none", color_correlation=0, fill=power))
        ratios.append(float(direction[..., :40].std() / direction[..., 90:].std()))
    assert ratios[0] > 80
    assert ratios[0] > 4 * ratios[1] > 4 * ratios[2]
    assert ratios[2] < 3


def test_no_gradient_gives_no_step_and_no_infinity() -> None:
    for mode in ("fourier", "laplacian"):
        step = step_direction(torch.zeros(1, 3, 20, 20), DreamConfig(precondition=mode, fill=1.0))
        assert torch.equal(step, torch.zeros(1, 3, 20, 20))


def test_fourier_damps_colours_more_than_brightness() -> None:
    direction = step_direction(noise(), DreamConfig(color_correlation=0))
    brightness = direction.mean(dim=1, keepdim=True)
    assert fine_share(direction - brightness) < 0.5 * fine_share(brightness)
