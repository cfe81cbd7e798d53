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
WHITE_MIRED = 1e6 / 6504  # D65; a mired is a million over the colour temperature in kelvin
MAX_MIRED_SHIFT = 90.0  # of color.temperature=1: to about 4100 K


def matrix(rows: object) -> Tensor:
    """The rows as a float64 matrix on the CPU."""
    return torch.tensor(rows, dtype=torch.float64)


def to_linear(rgb: Tensor) -> Tensor:
    """sRGB-encoded values in [0, 1] → linear light."""
    return torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055).clamp(min=0).pow(2.4))


def to_encoded(linear: Tensor) -> Tensor:
    """Linear light in [0, 1] → sRGB-encoded values."""
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear.clamp(min=0).pow(1 / 2.4) - 0.055)


def to_lab(rgb: Tensor) -> Tensor:
    """sRGB-encoded colours ``(n, 3)`` → OKLab ``(n, 3)`` in float64 on the CPU."""
    lms = to_linear(rgb.double().cpu()) @ matrix(RGB_TO_LMS).T
    return lms.clamp(min=0).pow(1 / 3) @ matrix(CONES_TO_LAB).T


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
