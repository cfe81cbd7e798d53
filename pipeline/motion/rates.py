"""Camera rates, averaged and integrated to a similarity of the plane. No torch."""

import cmath
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from operator import attrgetter
from typing import Any

from pipeline.cue import CameraRates

MEANS = ("swirl", "lens", "dolly", "truck", "pedestal", "yaw", "pitch", "roll")
"""Rates of one number whose mean is the plain one."""


def mean_rates(samples: Sequence[CameraRates]) -> CameraRates:
    """The mean rates over evenly spaced samples, by trapezoids; of the zoom, the geometric mean.

    Of what is not a rate, the last sample.
    """
    pairs = list(pairwise(samples))
    steps = len(pairs)

    def mean(value: Callable[[CameraRates], float]) -> float:
        return sum((value(a) + value(b)) / 2 for a, b in pairs) / steps

    averaged = replace(
        samples[-1],
        zoom=math.prod(math.sqrt(a.zoom * b.zoom) for a, b in pairs) ** (1 / steps),
        rotate=mean(lambda rates: rates.rotate),
        pan=(mean(lambda rates: rates.pan[0]), mean(lambda rates: rates.pan[1])),
        center=(mean(lambda rates: rates.center[0]), mean(lambda rates: rates.center[1])),
        shear=(mean(lambda rates: rates.shear[0]), mean(lambda rates: rates.shear[1])),
    )
    means: dict[str, Any] = {name: mean(attrgetter(name)) for name in MEANS}
    return replace(averaged, **means)


def similarity(rates: CameraRates, size: tuple[int, int], seconds: float) -> tuple[complex, complex]:
    """(turn, shift) such that a point at q from the center moves to ``turn · q + shift``; complex x + iy in pixels.

    ``size`` is (W, H). It is the solution of dq/dt = λq + v with λ = ln zoom + iω and v the drift of the image.
    """
    rate = complex(math.log(rates.zoom), math.radians(rates.rotate))
    drift = complex(-rates.pan[0] * size[0], -rates.pan[1] * size[1])
    turn = cmath.exp(rate * seconds)
    if abs(rate * seconds) < 1e-9:  # the limit; the quotient below would lose its digits
        return turn, drift * seconds
    return turn, drift * (turn - 1) / rate
