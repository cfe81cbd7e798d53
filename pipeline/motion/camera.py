"""The camera: the affine move of the canvas between two frames.

Zoom, rotation and pan are rates. Their motion is integrated exactly, so that two moves of half the time are one move of
the whole: a change of fps changes smoothness and nothing else.
"""

import cmath
import math

import torch.nn.functional as F
from torch import Tensor

from pipeline.motion.sampling_grid import displaced, middles


def move(
    canvas: Tensor,
    *,
    zoom: float,
    rotate: float,
    pan: tuple[float, float],
    center: tuple[float, float],
    seconds: float,
) -> Tensor:
    """Canvas ``(1, 3, H, W)`` → the canvas that a camera sees ``seconds`` later.

    ``zoom`` is a factor per second (above 1 flies in), ``rotate`` degrees per second (the picture turns clockwise),
    ``pan`` the camera's own move in frame widths and heights per second (right, down), ``center`` the fixed point of
    zoom and rotation as fractions of the frame. One bicubic resample; outside the canvas lies its mirror image.
    """
    turn, shift = similarity(zoom, rotate, pan, (canvas.shape[3], canvas.shape[2]), seconds)
    if turn == 1 and shift == 0:
        return canvas
    grid = _grid(turn, shift, center, canvas)
    return F.grid_sample(canvas, grid, mode="bicubic", padding_mode="reflection", align_corners=False)


def similarity(
    zoom: float, rotate: float, pan: tuple[float, float], size: tuple[int, int], seconds: float
) -> tuple[complex, complex]:
    """(turn, shift) such that a point at q from the centre moves to ``turn · q + shift``; complex x + iy in pixels.

    ``size`` is (W, H). It is the solution of dq/dt = λq + v with λ = ln zoom + iω and v the picture's drift.
    """
    rate = complex(math.log(zoom), math.radians(rotate))
    drift = complex(-pan[0] * size[0], -pan[1] * size[1])
    turn = cmath.exp(rate * seconds)
    if abs(rate * seconds) < 1e-9:  # the limit; the quotient below would lose its digits
        return turn, drift * seconds
    return turn, drift * (turn - 1) / rate


def _grid(turn: complex, shift: complex, center: tuple[float, float], canvas: Tensor) -> Tensor:
    """Where each pixel comes from: ``(1, H, W, 2)`` in [-1, 1] as ``grid_sample`` counts."""
    height, width = canvas.shape[2:]
    fixed = complex((center[0] - 0.5) * width, (center[1] - 0.5) * height)
    # A point at p from the frame's middle comes from p + more·p + offset; complex x + iy in pixels.
    more = 1 / turn - 1
    offset = fixed - (fixed + shift) / turn
    columns, rows = middles(canvas)
    # The same in halves of the frame. The numbers go with the launch, in twice the digits until there.
    right = columns * more.real + (rows * (-more.imag * height / width) + offset.real * 2 / width)
    down = columns * (more.imag * width / height) + (rows * more.real + offset.imag * 2 / height)
    return displaced(canvas, right, down)
