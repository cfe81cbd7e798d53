"""The fractal score: every octave plays the targets of the moment its motifs were born.

A motif's size is x = ln(1/s), where s is the scale of the octave that it fills (1 = full size): from 0 at the finest
octave to X = ln(1/s_min) at the coarsest. The camera carries it along at dx/dt = u(t) = ln z(t), z being the zoom in
× per second. Followed back in time from (t, x), a motif leaves the octaves either at x = 0, where zooming in gives
birth, or at x = X, where zooming out does. That is its birth τ: L(t) − L(τ) = x zooming in and −(X − x) zooming out,
with L = ∫ u dt. At constant zoom the delay t − τ is ln(1/s)/ln z or ln(s/s_min)/|ln z|.

Limits of that rule:

- Before second 0 the zoom is z(0); after the end the delays stay as they are.
- Time counts toward the delay by q(u) = min(1, (u/u_min)²), with u_min = X/``max_seconds``: a camera that stands still
  does not age its motifs, so without zoom there is no delay, and a zoom that stops leaves the octaves as far apart as
  they were. For |u| ≥ u_min nothing changes.
- No delay exceeds ``max_seconds`` (a camera that sways forever never lets its motifs go).
- Where the zoom turns round, motifs of different ages meet and a delay would jump. It moves by at most ``MAX_RATE``
  seconds per second instead.

While the zoom keeps its direction at |u| ≥ u_min, τ never runs backward.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ConfigError
from pipeline.timing.timecode import show_time

Floats = NDArray[np.float64]

STEP_SECONDS = 1 / 25  # of the table; independent of the frame rate, so that a second means the same at any fps
MAX_DELAY_SECONDS = 60.0
MAX_RATE = 8.0


class OctaveDelays:
    """The delay of every octave, tabulated once per shot.

    ``zoom`` gives × per second at a time in seconds, ``scales`` are the octaves' (1 = full size). Raises ConfigError
    if the zoom is not above 0.
    """

    def __init__(
        self,
        zoom: Callable[[float], float],
        scales: Sequence[float],
        duration: float,
        max_seconds: float = MAX_DELAY_SECONDS,
    ) -> None:
        self._times = np.arange(math.ceil(duration / STEP_SECONDS) + 1, dtype=np.float64) * STEP_SECONDS
        speed = _log_zoom(zoom, self._times)
        self._sizes = np.array(sorted({max(-math.log(scale), 0.0) for scale in scales}))
        largest = float(self._sizes[-1])
        slowest = largest / max_seconds
        clock_rate = np.minimum(1.0, (speed / slowest) ** 2) if slowest else np.zeros_like(speed)
        paths = _MotifPaths(_integral(speed), _integral(clock_rate), float(speed[0]), float(clock_rate[0]))
        ages = [np.minimum(paths.ages(float(size), largest), max_seconds) for size in self._sizes]
        self._delays = [_limit_rate(each) for each in ages]

    def delay(self, t: float, scale: float) -> float:
        """Seconds since the motifs that fill the octave of ``scale`` at ``t`` were born.

        Linear in ln(scale) between two octaves; beyond them that of the nearest.
        """
        delays = [float(np.interp(t, self._times, each)) for each in self._delays]
        return float(np.interp(-math.log(scale), self._sizes, delays))


class _MotifPaths:
    """Motifs followed back in time along L (``travel``) to where they left the octaves."""

    def __init__(self, travel: Floats, clock: Floats, first_speed: float, first_clock_rate: float) -> None:
        self._travel, self._clock = travel, clock
        self._first_speed, self._first_clock_rate = first_speed, first_clock_rate  # before second 0

    def ages(self, size: float, largest: float) -> Floats:
        """Seconds on ``clock`` since the motifs of ``size`` at each time were born; ``largest`` is X."""
        births = np.empty_like(self._clock)
        fine, coarse = _LastBelow(), _LastBelow()
        for index, travel in enumerate(self._travel.tolist()):
            fine_level, coarse_level = travel - size, travel + (largest - size)
            fine_index, coarse_index = fine.find(fine_level), coarse.find(-coarse_level)
            if fine_index < 0 and coarse_index < 0:
                births[index] = self._before_start(fine_level if self._first_speed > 0 else coarse_level)
            elif fine_index >= coarse_index:
                births[index] = self._crossing(fine_index, fine_level)
            else:
                births[index] = self._crossing(coarse_index, coarse_level)
            fine.add(travel)
            coarse.add(-travel)
        return self._clock - births

    def _before_start(self, level: float) -> float:
        """The clock when L was ``level`` before second 0, at constant first speed."""
        return self._first_clock_rate * level / self._first_speed if self._first_speed else 0.0

    def _crossing(self, index: int, level: float) -> float:
        """The clock when L reached ``level`` between the entries ``index`` and ``index`` + 1."""
        start, end = self._travel[index], self._travel[index + 1]
        fraction = min(max((level - start) / (end - start), 0.0), 1.0) if end != start else 0.0
        return float(self._clock[index] + fraction * (self._clock[index + 1] - self._clock[index]))


class _LastBelow:
    """The index of the last number so far below a bound, in logarithmic time."""

    def __init__(self) -> None:
        # Only numbers smaller than all later ones can be the answer: they rise to the latest.
        self._values: list[float] = []
        self._indices: list[int] = []
        self._count = 0

    def add(self, value: float) -> None:
        while self._values and self._values[-1] >= value:
            self._values.pop()
            self._indices.pop()
        self._values.append(value)
        self._indices.append(self._count)
        self._count += 1

    def find(self, bound: float) -> int:
        place = bisect_left(self._values, bound)
        return self._indices[place - 1] if place else -1


def _log_zoom(zoom: Callable[[float], float], times: Floats) -> Floats:
    rates = np.array([zoom(float(t)) for t in times])
    wrong = np.flatnonzero(~(np.isfinite(rates) & (rates > 0)))
    if wrong.size:
        index = int(wrong[0])
        allowed = f"the zoom has to stay above 0, also at {show_time(float(times[index]))}"
        raise ConfigError("camera.zoom", f"{rates[index]:g}", allowed)
    speeds: Floats = np.log(rates)
    return speeds


def _integral(values: Floats) -> Floats:
    """From second 0 to every tabulated time, by trapezoids."""
    return np.concatenate([[0.0], np.cumsum((values[1:] + values[:-1]) / 2) * STEP_SECONDS])


def _limit_rate(delays: Floats) -> Floats:
    """The delays, changing by no more than ``MAX_RATE`` seconds per second."""
    max_step = MAX_RATE * STEP_SECONDS
    limited = delays.tolist()
    for index in range(1, len(limited)):
        before = limited[index - 1]
        limited[index] = min(max(limited[index], before - max_step), before + max_step)
    return np.array(limited)
