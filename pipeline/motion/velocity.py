"""The camera as a velocity of the picture: what bends it is one function each, and one integration moves all of it.

A point of the picture moves with the sum of these velocities. Where it was a moment ago follows by Runge and Kutta's
fourth-order steps, backward. The flow of a smooth velocity neither tears nor folds, and two moves of half the time
equal one move.
"""

import math
from collections.abc import Callable
from dataclasses import fields

import torch
from torch import Tensor

from pipeline.config.camera import NO_RATES, CameraRates

Velocity = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Places (x, y) in pixels from the middle of the frame → their velocity (right, down) in pixels per second."""
STEP = 0.2  # largest product of a step in seconds and the velocity's rate; then the error is below 1e-5 of the move
STEADY = CameraRates()
SIMILARITY = ("zoom", "rotate", "pan", "center")
BENDING = tuple(each.name for each in fields(CameraRates) if each.name not in (*SIMILARITY, *NO_RATES))
SWIRL_RADIUS = 0.5  # at which a swirl has lost most of its strength, in short sides of the frame


def bends(rates: CameraRates) -> bool:
    """Whether the move is more than a similarity of the plane."""
    return any(getattr(rates, name) != getattr(STEADY, name) for name in BENDING)


def flies(rates: CameraRates) -> bool:
    """Whether the camera goes somewhere, so that near parts of the picture move more than far ones."""
    return any((rates.dolly, rates.truck, rates.pedestal))


def focal_length(fov: float) -> float:
    """In halves of the frame's width, of a field of view in degrees."""
    return 1 / math.tan(math.radians(fov) / 2)


def field(rates: CameraRates, size: tuple[int, int], narrowing: float = 0.0, near: Tensor | float = 1.0) -> Velocity:
    """The velocity of a picture of ``size`` (W, H).

    ``narrowing`` is how fast the logarithm of the focal length grows. ``near`` is 1 / distance of each point.
    """
    width, height = size
    centre_x, centre_y = (rates.center[0] - 0.5) * width, (rates.center[1] - 0.5) * height
    grow, turn = math.log(rates.zoom), math.radians(rates.rotate)
    swirl_radius, corner = SWIRL_RADIUS * min(size), math.hypot(width, height) / 2

    focal = focal_length(rates.fov) * width / 2
    has_flight = bool(narrowing or rates.yaw or rates.pitch or rates.roll or flies(rates))

    def velocity(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        flight = fly(x, y, rates, near, focal) if has_flight else None
        axis_x, axis_y = x, y
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
        if flight:
            right, down = right + flight[0] + narrowing * axis_x, down + flight[1] + narrowing * axis_y
        return right, down

    def fly(x: Tensor, y: Tensor, rates: CameraRates, near: Tensor | float, focal: float) -> tuple[Tensor, Tensor]:
        move, turn = translation(x, y, rates, (width, height)), rotation(x, y, rates, focal)
        return near * move[0] + turn[0], near * move[1] + turn[1]

    return velocity


def translation(x: Tensor, y: Tensor, rates: CameraRates, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The velocity of points one distance away from a camera that goes forward, right and up."""
    return rates.dolly * x - rates.truck * size[0], rates.dolly * y + rates.pedestal * size[1]


def rotation(x: Tensor, y: Tensor, rates: CameraRates, focal: float) -> tuple[Tensor, Tensor]:
    """The velocity in a camera that turns, whatever the distance; ``focal`` in pixels.

    As in Longuet-Higgins and Prazdny (1980).
    """
    yaw, pitch, roll = (math.radians(rate) for rate in (rates.yaw, rates.pitch, rates.roll))
    right = -yaw * (focal + x * x / focal) + pitch * (x * y / focal) + roll * y
    down = -yaw * (x * y / focal) + pitch * (focal + y * y / focal) - roll * x
    return right, down


def swirl(squares: Tensor, rate: float) -> Tensor:
    """Radians per second at these squares of the distance from the centre: a whirl that ends in the distance."""
    return torch.exp(-squares) * math.radians(rate)


def lens(squares: Tensor, rate: float) -> Tensor:
    """Growth per second: none in the middle, and what is far comes closer (``rate`` > 0) or leaves."""
    return squares / (1 + squares) * -rate


def sources(x: Tensor, y: Tensor, velocity: Velocity, seconds: float, rate: float) -> tuple[Tensor, Tensor]:
    """(right, down) in pixels to where the points at (x, y) were ``seconds`` ago; below 0 they will be.

    ``rate`` bounds how fast the velocity changes, in 1/s.
    """
    steps = max(1, math.ceil(abs(seconds) * rate / STEP))
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
    turns = sum(abs(math.radians(rate)) for rate in (2 * rates.yaw, 2 * rates.pitch, rates.roll, 2 * rates.swirl))
    return still + sum(map(abs, rates.shear)) + turns + 2 * abs(rates.lens) + abs(rates.dolly) * math.exp(rates.relief)
