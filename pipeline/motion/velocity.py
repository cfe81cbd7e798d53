"""The camera as a velocity of the picture: what bends it is one function each, and one integration moves all of it.

A point of the picture at (x, y) pixels from ``camera.center`` moves with the sum of these velocities. Where it was a
moment ago follows by Runge and Kutta's fourth-order steps, backward. The flow of a smooth velocity neither tears nor
folds, and two moves of half the time equal one move.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from pipeline.cue import CameraRates

Velocity = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Places (x, y) in pixels from the middle of the frame → their velocity (right, down) in pixels per second."""
STEP = 0.2  # largest product of a step in seconds and the velocity's rate; then the error is below 1e-5 of the move
SWIRL_RADIUS = 0.5  # at which a swirl has lost most of its strength, in short sides of the frame


def bends(rates: CameraRates) -> bool:
    """Whether the move is more than a similarity of the plane."""
    return rates.shear != (0, 0) or rates.swirl != 0 or rates.lens != 0


def field(rates: CameraRates, size: tuple[int, int]) -> Velocity:
    """The velocity of a picture of ``size`` (W, H)."""
    width, height = size
    centre_x, centre_y = (rates.center[0] - 0.5) * width, (rates.center[1] - 0.5) * height
    grow, turn = math.log(rates.zoom), math.radians(rates.rotate)
    swirl_radius, corner = SWIRL_RADIUS * min(size), math.hypot(width, height) / 2

    def velocity(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        x, y = x - centre_x, y - centre_y
        squares = x * x + y * y
        # zoom and rotation, pan, shear
        right = grow * x - turn * y - rates.pan[0] * width + rates.shear[0] * y
        down = grow * y + turn * x - rates.pan[1] * height + rates.shear[1] * x
        if rates.swirl:
            spin = swirl(squares / swirl_radius**2, rates.swirl)
            right, down = right - spin * y, down + spin * x
        if rates.lens:
            growth = lens(squares / corner**2, rates.lens)
            right, down = right + growth * x, down + growth * y
        return right, down

    return velocity


def swirl(squares: Tensor, rate: float) -> Tensor:
    """Radians per second at these squares of the distance from the centre: a whirl that ends in the distance."""
    return torch.exp(-squares) * math.radians(rate)


def lens(squares: Tensor, rate: float) -> Tensor:
    """Growth per second: none in the middle, and what is far comes closer (``rate`` > 0) or leaves."""
    return squares / (1 + squares) * -rate


def sources(x: Tensor, y: Tensor, velocity: Velocity, seconds: float, rate: float) -> tuple[Tensor, Tensor]:
    """(right, down) in pixels to where the points at (x, y) were ``seconds`` ago.

    ``rate`` bounds how fast the velocity changes, in 1/s.
    """
    steps = max(1, math.ceil(seconds * rate / STEP))
    step = -seconds / steps
    right, down = torch.zeros_like(x + y), torch.zeros_like(x + y)  # the way so far: small, so it keeps its digits
    for _ in range(steps):
        at_x, at_y = x + right, y + down
        a = velocity(at_x, at_y)
        b = velocity(at_x + step / 2 * a[0], at_y + step / 2 * a[1])
        c = velocity(at_x + step / 2 * b[0], at_y + step / 2 * b[1])
        d = velocity(at_x + step * c[0], at_y + step * c[1])
        right = right + step / 6 * (a[0] + 2 * b[0] + 2 * c[0] + d[0])
        down = down + step / 6 * (a[1] + 2 * b[1] + 2 * c[1] + d[1])
    return right, down


def rate_bound(rates: CameraRates) -> float:
    """How fast the velocity changes at most from place to place, in 1/s."""
    still = abs(math.log(rates.zoom)) + abs(math.radians(rates.rotate))
    return still + sum(map(abs, rates.shear)) + 2 * abs(math.radians(rates.swirl)) + 2 * abs(rates.lens)
