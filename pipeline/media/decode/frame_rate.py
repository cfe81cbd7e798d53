"""The rate of a row of pictures from the seconds at which they appear. No torch."""

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

# What cameras and screens run at.
USUAL = (
    *(Fraction(n) for n in (5, 8, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 144, 240)),
    *(Fraction(n * 1000, 1001) for n in (12, 15, 24, 30, 48, 60, 120)),
)
NEAR = 0.0004  # of the rate: less than lies between 24 and 24000/1001
LOOSE = 0.02  # of the rate, within which a jittering one is taken for a usual one
STEADY = 0.25  # of a frame, by which a picture of a constant rate may stand beside its place
NEAREST = 0.45  # of a frame: the half, less what keeps whole milliseconds from deciding at half the rate
ALONE, LIKELY = Fraction(24), 60  # frames per second of a single picture, and what is believed of one
SLOWEST, FASTEST = 1, 240  # frames per second that a film can have


def constant_rate(times: NDArray[np.float64], declared: Fraction) -> Fraction | None:
    """The rate at which every picture stands in its place to a quarter of a frame, or None: it varies.

    ``times`` are in seconds, ascending; ``declared`` is what the container says, in frames per second.
    """
    if len(times) < 2:
        # A container that counts in hundredths, as GIF does, says hundred for one picture.
        return declared if SLOWEST <= declared <= LIKELY else ALONE
    measured = Fraction((len(times) - 1) / max(float(times[-1] - times[0]), 1e-9)).limit_denominator(1001)
    for rate in (declared, _nearest(measured, NEAR), measured):
        if SLOWEST <= rate <= FASTEST:
            places = times[0] + np.arange(len(times)) / float(rate)
            if np.abs(times - places).max() <= STEADY / float(rate):
                return rate
    return None


def typical_rate(times: NDArray[np.float64]) -> Fraction:
    """The rate of most pictures of a variable row, a usual one where one is near: what it is conformed to."""
    gaps = np.diff(times)
    middle = Fraction(1 / max(float(np.median(gaps[gaps > 0])) if (gaps > 0).any() else 1 / 24, 1e-3))
    rate = _nearest(middle, LOOSE).limit_denominator(1001)
    return min(max(rate, Fraction(SLOWEST)), Fraction(FASTEST))


def picks(times: NDArray[np.float64], *, start: float, rate: Fraction, frames: int) -> NDArray[np.int64]:
    """Which picture each of ``frames`` frames at ``rate`` shows, the first of them at ``start`` seconds.

    A picture belongs to the frame nearest to its time; between two pictures the earlier one stays.
    """
    wanted = start + (np.arange(frames) + NEAREST) / float(rate)
    return (np.searchsorted(times, wanted, side="right") - 1).clip(0, len(times) - 1)


def _nearest(rate: Fraction, share: float, usual: Iterable[Fraction] = USUAL) -> Fraction:
    near = min(usual, key=lambda known: abs(known - rate))
    return near if abs(near - rate) <= share * near else rate
