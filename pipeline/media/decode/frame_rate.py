"""Estimates the frame rate of a video from its timestamps. No torch."""

import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

# Rates of cameras and screens, in frames per second.
STANDARD_RATES = (
    *(Fraction(n) for n in (5, 8, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 144, 240)),
    *(Fraction(n * 1000, 1001) for n in (12, 15, 24, 30, 48, 60, 120)),
)
RATE_TOLERANCE = 0.0004  # relative; less than the difference between 24 and 24000/1001
JITTER_TOLERANCE = 0.02  # relative; a jittering rate this close to a standard one is taken for it
MAX_OFFSET_FRAMES = 0.25  # of a frame of a constant rate from its regular time
NEAREST_FRAME = 0.45  # of a frame: half, less a margin so that times in whole milliseconds do not decide at half rate
SINGLE_FRAME_RATE, MAX_SINGLE_FRAME_RATE = Fraction(24), 60  # frames per second: default, and believable value
MAX_LOST_FRACTION = 0.05  # of the frames of a variable-rate video
MAX_RAISED_RATE = 60  # frames per second to which its rate is raised so that it loses fewer
MIN_RATE, MAX_RATE = 1, 240  # frames per second of a film


def constant_rate(times: NDArray[np.float64], declared: Fraction) -> Fraction | None:
    """The rate at which every frame is within a quarter frame of its regular time, or None for a variable rate.

    ``times`` are in seconds, ascending; ``declared`` is the container's rate in frames per second.
    """
    if len(times) < 2:
        # A container that counts in hundredths, as GIF does, declares 100 for a single frame.
        return declared if MIN_RATE <= declared <= MAX_SINGLE_FRAME_RATE else SINGLE_FRAME_RATE
    measured = Fraction((len(times) - 1) / max(float(times[-1] - times[0]), 1e-9)).limit_denominator(1001)
    for rate in (declared, _nearest(measured, RATE_TOLERANCE), measured):
        if MIN_RATE <= rate <= MAX_RATE:
            regular = times[0] + np.arange(len(times)) / float(rate)
            if np.abs(times - regular).max() <= MAX_OFFSET_FRAMES / float(rate):
                return rate
    return None


def typical_rate(times: NDArray[np.float64]) -> Fraction:
    """The rate to which a variable-rate video is conformed: its median, or the standard rate close to it, or a multiple
    of that at which nearly all frames are shown.
    """
    gaps = np.diff(times)
    median = Fraction(1 / max(float(np.median(gaps[gaps > 0])) if (gaps > 0).any() else 1 / 24, 1e-3))
    rate = _nearest(median, JITTER_TOLERANCE).limit_denominator(1001)
    rate = min(max(rate, Fraction(MIN_RATE)), Fraction(MAX_RATE))
    rates = [rate * factor for factor in range(1, int(MAX_RAISED_RATE / rate) + 1)]
    return next((each for each in rates if lost_frames(times, each) <= MAX_LOST_FRACTION * len(times)), rate)


def lost_frames(times: NDArray[np.float64], rate: Fraction) -> int:
    """How many source frames are not shown at this rate, because another is nearer to the time of an output frame."""
    frames = math.ceil((times[-1] - times[0]) * float(rate)) + 1
    return len(times) - len(np.unique(frame_indices(times, start=times[0], rate=rate, frames=frames)))


def frame_indices(times: NDArray[np.float64], *, start: float, rate: Fraction, frames: int) -> NDArray[np.int64]:
    """Which source frame each of ``frames`` output frames at ``rate`` shows, the first of them at ``start`` seconds.

    A source frame belongs to the output frame nearest to its time; between two of them the earlier one stays.
    """
    limits = start + (np.arange(frames) + NEAREST_FRAME) / float(rate)
    return (np.searchsorted(times, limits, side="right") - 1).clip(0, len(times) - 1)


def _nearest(rate: Fraction, tolerance: float, rates: Iterable[Fraction] = STANDARD_RATES) -> Fraction:
    nearest = min(rates, key=lambda standard: abs(standard - rate))
    return nearest if abs(nearest - rate) <= tolerance * nearest else rate
