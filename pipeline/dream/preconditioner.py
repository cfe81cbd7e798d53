"""Gradient preconditioning: from the raw gradient to the direction of a step.

Raw gradients are mostly fine noise in rainbow colours. Preconditioning damps fine detail and makes colours move
together as they do in photographs: the Fourier and decorrelated parameterisation of *Feature Visualization* (Olah,
Mordvintsev, Schubert, Distill 2017), applied to the gradient, so that it works in a feedback loop on pixels.
"""

from functools import lru_cache
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.config import DreamConfig
from pipeline.dream.octave_sizes import fast_side

MIN_FREQUENCY = 1 / 32  # cycles per pixel, below which all frequencies count alike
FINE_FREQUENCY = 0.25  # cycles per pixel, above which fourier leaves little: speckles live there
COLOUR_EXPONENT = 1.7  # in photographs colours change more slowly than brightness; factor on the exponent
GAUSSIANS = (0.5, 1.0, 2.0)  # deviations in pixels
BANDS = (0.0, 1.0, 2.0, 4.0, 8.0)  # deviations in pixels; a Laplacian band lies between two
EQUALIZE_CELL = 16  # pixels over which local strength is measured
MIN_MARGIN = 24  # pixels added to a gradient before its Fourier transform
IDENTITY = 0.15  # part of each colour that moves by itself
OPPONENTS = ((3**-0.5,) * 3, (2**-0.5, -(2**-0.5), 0.0), (6**-0.5, 6**-0.5, -2 * 6**-0.5))
"""Brightness, red against green, and yellow against blue: orthonormal in red, green, blue."""
TINY = 1e-12

# Square root of the colour covariance of ImageNet, as published with the article above.
COLOUR_ROOT = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))


def step_direction(gradient: Tensor, config: DreamConfig) -> Tensor:
    """Gradient ``(1, 3, H, W)`` → direction ``(1, 3, H, W)`` of unit deviation."""
    direction = _precondition(gradient, config.precondition, config.exponent)
    if config.color_correlation > 0:
        mix = _colour_matrix(config.color_correlation, str(gradient.device))
        direction = torch.einsum("ij,njhw->nihw", mix, direction)
    if config.fill > 0:
        direction = _equalize(direction, config.fill)
    return direction / (direction.std() + TINY)


def _precondition(gradient: Tensor, mode: str, exponent: float) -> Tensor:
    if mode == "none":
        return gradient
    height, width = gradient.shape[2:]
    return _filter(_with_margin(gradient), mode, exponent)[..., :height, :width]


def _with_margin(gradient: Tensor) -> Tensor:
    """The gradient with a margin below and to the right, which fades from the mirrored end to the mirrored beginning.

    A Fourier transform treats a picture as a torus: without a margin one border would smear over the opposite one.
    """
    height, width = gradient.shape[2:]
    below, right = (min(fast_side(side + MIN_MARGIN), 2 * side - 2) - side for side in (height, width))
    padded = gradient.new_empty(*gradient.shape[:2], height + max(below, 0), width + max(right, 0))
    padded[..., :height, :width] = gradient
    if right > 0:
        rows = padded[..., :height, :]
        _fade(rows[..., width:], gradient[..., -right - 1 : -1].flip(3), gradient[..., 1 : right + 1].flip(3))
    if below > 0:
        end, beginning = padded[..., height - below - 1 : height - 1, :], padded[..., 1 : below + 1, :]
        _fade(padded[..., height:, :].mT, end.flip(2).mT, beginning.flip(2).mT)
    return padded


def _fade(place: Tensor, end: Tensor, beginning: Tensor) -> None:
    """Write the fade from ``end`` to ``beginning`` along the columns into ``place``."""
    torch.lerp(end, beginning, _ramp(place.shape[3], str(place.device)), out=place)


@lru_cache(maxsize=64)
def _ramp(count: int, device: str) -> Tensor:
    return torch.linspace(0, 1, count, device=device)


def _filter(gradient: Tensor, mode: str, exponent: float) -> Tensor:
    size, device = (gradient.shape[2], gradient.shape[3]), str(gradient.device)
    if mode == "fourier":
        opponents = _opponents(device)
        spectrum = _spectrum(torch.einsum("ij,njhw->nihw", opponents, gradient))
        damped = torch.fft.irfft2(spectrum.mul_(_fourier(size, exponent, device)), s=size)
        return torch.einsum("ji,njhw->nihw", opponents, damped)
    spectrum = _spectrum(gradient)
    if mode == "gaussian":
        return _band(spectrum, _gaussian(size, GAUSSIANS, device), size)
    # Laplacian-pyramid normalisation (Mordvintsev et al. 2015): every band gets the same deviation.
    passes = [_gaussian(size, (deviation,), device) for deviation in BANDS]
    bands = [_band(spectrum, finer - coarser, size) for finer, coarser in pairwise(passes)]
    bands.append(_band(spectrum, passes[-1], size))
    return torch.stack([band / (band.std() + TINY) for band in bands]).sum(dim=0)


def _spectrum(picture: Tensor) -> Tensor:
    """The real FFT of ``(1, 3, H, W)``: ``(1, 3, H, W // 2 + 1)``.

    On a CPU rows and columns are transformed one after the other, with the same bits: MKL's threads wait for each other
    in the transform of both, and several of them take up to 15 times as long as one.
    """
    by_turns = picture.device.type == "cpu"
    spectrum: Tensor = torch.fft.fft(torch.fft.rfft(picture), dim=2) if by_turns else torch.fft.rfft2(picture)
    return spectrum


def _band(spectrum: Tensor, transfer: Tensor, size: tuple[int, int]) -> Tensor:
    filtered: Tensor = torch.fft.irfft2(spectrum * transfer, s=size)
    return filtered


def _frequency(size: tuple[int, int], device: str) -> Tensor:
    """Radial frequency in cycles per pixel ``(H, W // 2 + 1)`` of a real FFT."""
    rows = torch.fft.fftfreq(size[0], device=device)
    columns = torch.fft.rfftfreq(size[1], device=device)
    return torch.hypot(rows[:, None], columns[None, :])


def _fourier(size: tuple[int, int], exponent: float, device: str) -> Tensor:
    """Factors ``(3, H, W // 2 + 1)`` on brightness and the two colours."""
    return (_log_damping(size, device) * -exponent).exp_()


@lru_cache(maxsize=32)
def _log_damping(size: tuple[int, int], device: str) -> Tensor:
    """How fourier damps ``(3, H, W // 2 + 1)``, as a logarithm. The exponent, which may change in time, stays outside.

    1 / frequency above ``MIN_FREQUENCY``, colours more than brightness, and all still more above ``FINE_FREQUENCY``.
    """
    frequency = _frequency(size, device)
    slope = (frequency / MIN_FREQUENCY).clamp(min=1).log_()
    end = (frequency / FINE_FREQUENCY) ** 4
    damping = torch.stack([slope * factor + end for factor in (1.0, COLOUR_EXPONENT, COLOUR_EXPONENT)])
    return damping.mT.contiguous().mT if frequency.device.type == "cpu" else damping  # as a spectrum lies in memory


@lru_cache(maxsize=8)
def _opponents(device: str) -> Tensor:
    return torch.tensor(OPPONENTS, device=device)


@lru_cache(maxsize=32)
def _gaussian(size: tuple[int, int], deviations: tuple[float, ...], device: str) -> Tensor:
    squared = (2 * torch.pi * _frequency(size, device)).square()
    return torch.stack([(-squared * d * d / 2).exp() for d in deviations]).mean(dim=0)


@lru_cache(maxsize=8)
def _colour_matrix(amount: float, device: str) -> Tensor:
    root, identity = torch.tensor(COLOUR_ROOT), torch.eye(3)
    covariance = root @ root.T
    shared = covariance / torch.linalg.matrix_norm(covariance, 2) + IDENTITY * identity
    mixed: Tensor = (1 - amount) * identity + amount * shared
    return mixed.to(device)


def _equalize(direction: Tensor, power: float) -> Tensor:
    """Divide by local strength to ``power``: strong areas are damped, calm ones amplified."""
    height, width = direction.shape[2:]
    cells = (max(1, round(height / EQUALIZE_CELL)), max(1, round(width / EQUALIZE_CELL)))
    energy = F.adaptive_avg_pool2d(direction.square().mean(dim=1, keepdim=True), cells)
    # Two more averages hide the borders of the cells.
    energy = F.avg_pool2d(F.pad(energy, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    energy = energy + 1e-3 * energy.mean() + TINY
    local = F.interpolate(energy, size=(height, width), mode="bilinear", align_corners=False)
    return direction * local.log_().mul_(-power / 2).exp_()  # faster than pow
