"""OKLab, a space in which equal steps of lightness and colour look equal (Ottosson, 2020), and white points.

Cube roots of cone responses (*cones* below) lie between linear RGB and OKLab; both spaces are linear in them.
"""

import torch
from torch import Tensor

RGB_TO_LMS = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
LMS_TO_RGB = (
    (4.076741661347994, -3.3077115904081933, 0.23096992872942795),
    (-1.2684380040921763, 2.6097574006633715, -0.3413193963102196),
    (-0.004196086541837121, -0.7034186144594494, 1.7076147009309446),
)
"""The inverse of ``RGB_TO_LMS``."""
CONES_TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
XYZ_TO_LMS = (
    (0.8189330101, 0.3618667424, -0.1288597137),
    (0.0329845436, 0.9293118715, 0.0361456387),
    (0.0482003018, 0.2643662691, 0.6338517070),
)
LINE_ENCODED, LINE_LINEAR = 0.04045, 0.0031308  # where the line of sRGB ends and its power begins
WHITE_MIRED = 1e6 / 6504  # D65; a mired is a million over the colour temperature in kelvin
MAX_MIRED_SHIFT = 90.0  # of color.temperature=1: to about 4100 K


def matrix(rows: object) -> Tensor:
    """The rows as a float64 matrix on the CPU."""
    return torch.tensor(rows, dtype=torch.float64)


def power(base: Tensor, exponent: float) -> Tensor:
    """``base`` to a positive power, in place: faster than ``pow``."""
    return base.log_().mul_(exponent).exp_()


def to_linear(rgb: Tensor) -> Tensor:
    """sRGB-encoded values in [0, 1] → linear light."""
    # Power and line as a sum, each at rest where the other rules: torch.where takes longer than the power.
    curve = power(rgb.clamp(min=LINE_ENCODED).add_(0.055).div_(1.055), 2.4)
    return curve.add_(rgb.clamp(max=LINE_ENCODED).sub_(LINE_ENCODED), alpha=1 / 12.92)


def to_encoded(linear: Tensor) -> Tensor:
    """Linear light in [0, 1] → sRGB-encoded values."""
    curve = power(linear.clamp(min=LINE_LINEAR), 1 / 2.4).mul_(1.055).sub_(0.055)
    return curve.add_(linear.clamp(max=LINE_LINEAR).sub_(LINE_LINEAR), alpha=12.92)


def to_lab(rgb: Tensor) -> Tensor:
    """sRGB-encoded colours ``(n, 3)`` → OKLab ``(n, 3)`` in float64 on the CPU, computed in their own precision."""
    lms = to_linear(rgb.cpu()) @ matrix(RGB_TO_LMS).T.to(rgb.dtype)
    return power(lms.clamp_(min=0), 1 / 3).double() @ matrix(CONES_TO_LAB).T


def white_point(temperature: float) -> Tensor:
    """The ``(3, 3)`` change of OKLab that moves white to a daylight, warm for 1, cool for -1, as light as before.

    Each cone adapts by itself, as von Kries described.
    """
    cones = (_daylight(WHITE_MIRED + MAX_MIRED_SHIFT * temperature) / _daylight(WHITE_MIRED)).pow(1 / 3)
    to_lab_matrix = matrix(CONES_TO_LAB)
    cones = cones / (to_lab_matrix[0] @ cones)
    change: Tensor = to_lab_matrix @ torch.diag(cones) @ torch.linalg.inv(to_lab_matrix)
    return change


def _daylight(mired: float) -> Tensor:
    """Cone responses to the CIE daylight of this temperature (4000 to 25 000 K), of luminance 1."""
    kelvin = 1e6 / mired
    terms = (-4.6070e9, 2.9678e6, 0.09911e3, 0.244063) if kelvin <= 7000 else (-2.0064e9, 1.9018e6, 0.24748e3, 0.237040)
    x = sum(term / kelvin**power for term, power in zip(terms, (3, 2, 1, 0), strict=True))
    y = -3 * x * x + 2.87 * x - 0.275
    return matrix(XYZ_TO_LMS) @ matrix([x / y, 1.0, (1 - x - y) / y])
