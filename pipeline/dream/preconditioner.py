"""From the raw gradient to a step worth taking.

Raw gradients are mostly fine noise in rainbow colours. *Preconditioning* weighs fine detail down and lets the colours
move together as they do in photographs: the Fourier and decorrelated parameterisation of *Feature Visualization*
(Olah, Mordvintsev, Schubert, Distill 2017), applied to the gradient, so that it works in a feedback loop on pixels.
"""

from functools import lru_cache
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.config import DreamConfig
from pipeline.dream.pyramid import quick_side

LOWEST = 1 / 32  # cycles per pixel under which all frequencies count alike
GAUSSIANS = (0.5, 1.0, 2.0)  # deviations in pixels
BANDS = (0.0, 1.0, 2.0, 4.0, 8.0)  # deviations in pixels between which a Laplacian band lies
EQUALIZE_CELL = 16  # pixels over which local strength is measured
MARGIN = 24  # pixels at least by which a gradient is continued before it is transformed
IDENTITY = 0.15  # of each colour's own will, beside what colours share
TINY = 1e-12

# Square root of the colour covariance of ImageNet, as published with the article above.
COLOUR_ROOT = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))


def step_direction(gradient: Tensor, config: DreamConfig) -> Tensor:
    """Gradient ``(1, 3, H, W)`` → direction ``(1, 3, H, W)`` of unit deviation."""
    direction = _precondition(gradient, config.precondition, config.exponent)
    if config.colour > 0:
        mix = _colour_matrix(config.colour, str(gradient.device))
        direction = torch.einsum("ij,njhw->nihw", mix, direction)
    if config.equalize > 0:
        direction = _equalize(direction, config.equalize)
    return direction / (direction.std() + TINY)


def _precondition(gradient: Tensor, mode: str, exponent: float) -> Tensor:
    if mode == "none":
        return gradient
    height, width = gradient.shape[2:]
    return _weighed(_framed(gradient), mode, exponent)[..., :height, :width]


def _framed(gradient: Tensor) -> Tensor:
    """Continued below and to the right: a Fourier transform takes a picture for a torus, and without something between
    them what one border draws would be smeared over the opposite one.

    What is added mirrors the end, and more and more the beginning.
    """
    height, width = gradient.shape[2:]
    below, right = (min(quick_side(side + MARGIN), 2 * side - 2) - side for side in (height, width))
    framed = gradient.new_empty(*gradient.shape[:2], height + max(below, 0), width + max(right, 0))
    framed[..., :height, :width] = gradient
    if right > 0:
        rows = framed[..., :height, :]
        _continue(rows[..., width:], gradient[..., -right - 1 : -1].flip(3), gradient[..., 1 : right + 1].flip(3))
    if below > 0:
        end, beginning = framed[..., height - below - 1 : height - 1, :], framed[..., 1 : below + 1, :]
        _continue(framed[..., height:, :].mT, end.flip(2).mT, beginning.flip(2).mT)
    return framed


def _continue(place: Tensor, end: Tensor, beginning: Tensor) -> None:
    """Go over from one to the other along the columns, in place."""
    torch.lerp(end, beginning, _rising(place.shape[3], str(place.device)), out=place)


@lru_cache(maxsize=64)
def _rising(count: int, device: str) -> Tensor:
    return torch.linspace(0, 1, count, device=device)


def _weighed(gradient: Tensor, mode: str, exponent: float) -> Tensor:
    size, device = (gradient.shape[2], gradient.shape[3]), str(gradient.device)
    spectrum = torch.fft.rfft2(gradient)
    if mode in ("fourier", "gaussian"):
        transfer = _fourier(size, exponent, device) if mode == "fourier" else _gaussian(size, GAUSSIANS, device)
        evened: Tensor = torch.fft.irfft2(spectrum.mul_(transfer), s=size)
        return evened
    # Laplacian-pyramid normalisation (Mordvintsev et al. 2015): every band gets the same deviation.
    passes = [_gaussian(size, (deviation,), device) for deviation in BANDS]
    bands = [_filtered(spectrum, finer - coarser, size) for finer, coarser in pairwise(passes)]
    bands.append(_filtered(spectrum, passes[-1], size))
    return torch.stack([band / (band.std() + TINY) for band in bands]).sum(dim=0)


def _filtered(spectrum: Tensor, transfer: Tensor, size: tuple[int, int]) -> Tensor:
    filtered: Tensor = torch.fft.irfft2(spectrum * transfer, s=size)
    return filtered


def _frequency(size: tuple[int, int], device: str) -> Tensor:
    """Radial frequency in cycles per pixel ``(H, W // 2 + 1)`` of a real FFT."""
    rows = torch.fft.fftfreq(size[0], device=device)
    columns = torch.fft.rfftfreq(size[1], device=device)
    return torch.hypot(rows[:, None], columns[None, :])


def _fourier(size: tuple[int, int], exponent: float, device: str) -> Tensor:
    return (_log_frequency(size, device) * -exponent).exp_()


@lru_cache(maxsize=32)
def _log_frequency(size: tuple[int, int], device: str) -> Tensor:
    """ln of the frequency over the lowest that counts, 0 below it; the exponent, which may move, stays outside."""
    logarithm: Tensor = (_frequency(size, device) / LOWEST).clamp_(min=1).log_()
    return logarithm


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
    """Divide by local strength to ``power``: what is strong holds back, calm areas come forward."""
    height, width = direction.shape[2:]
    cells = (max(1, round(height / EQUALIZE_CELL)), max(1, round(width / EQUALIZE_CELL)))
    energy = F.adaptive_avg_pool2d(direction.square().mean(dim=1, keepdim=True), cells)
    # Two more averages: without them the cells' borders could be seen.
    energy = F.avg_pool2d(F.pad(energy, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    energy = energy + 1e-3 * energy.mean() + TINY
    local = F.interpolate(energy, size=(height, width), mode="bilinear", align_corners=False)
    return direction / local.pow(power / 2)
