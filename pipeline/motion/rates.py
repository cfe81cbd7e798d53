"""Camera rates, averaged and integrated to a similarity of the plane. No torch."""

import cmath
import math
from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

from pipeline.config.camera import NO_RATES, CameraRates


def mean_rates(samples: Sequence[CameraRates]) -> CameraRates:
    """The mean rates over evenly spaced samples, by trapezoids; of the zoom, the geometric mean.

    Of what is not a rate, the last sample.
    """
    pairs = list(pairwise(samples))
    steps = len(pairs)

    def mean(values: Sequence[float]) -> float:
        return sum((a + b) / 2 for a, b in pairwise(values)) / steps

    means: dict[str, Any] = {}
    for name in (item.name for item in fields(CameraRates) if item.name not in NO_RATES):
        values = [getattr(sample, name) for sample in samples]
        is_pair = isinstance(values[0], tuple)
        means[name] = tuple(mean(part) for part in zip(*values, strict=True)) if is_pair else mean(values)
    means["zoom"] = math.prod(math.sqrt(a.zoom * b.zoom) for a, b in pairs) ** (1 / steps)
    return replace(samples[-1], **means)


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
