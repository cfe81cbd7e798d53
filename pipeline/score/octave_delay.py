"""The fractal score: every octave follows the schedule at the time its motifs were born.

A motif's size is x = ln(1/s), where s is the scale of the octave that it fills (1 = full size):
from 0 at the finest octave to X = ln(1/s_min) at the coarsest. The camera carries it along at
dx/dt = u(t) = ln z(t), z being the zoom in × per second. Followed back in time from (t, x), a motif
leaves the octaves either at x = 0, where zooming in gives birth, or at x = X, where zooming out
does. That is its birth τ: L(t) − L(τ) = x zooming in and −(X − x) zooming out, with L = ∫ u dt.
At constant zoom the delay t − τ is ln(1/s)/ln z or ln(s/s_min)/|ln z|.

Where that rule alone would be boundless or broken:

- Before second 0 the zoom is z(0), after the end the delays stay as they are.
- Time counts toward the delay by q(u) = min(1, (u/u_min)²), with u_min = X/``longest``: a camera
  that stands still does not age its motifs, so without zoom there is no delay, and a zoom that
  stops leaves the octaves as far apart as they were. For |u| ≥ u_min nothing is changed.
- No delay exceeds ``longest`` seconds (an endlessly swaying camera never lets its motifs go).
- Where the zoom turns round, motifs of different ages meet and a delay would jump. It moves there
  by at most ``RATE`` seconds per second instead.

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

STEP = 1 / 25
"""Seconds between tabulated times: no frame time, so a second means the same at any fps."""
LONGEST = 60.0
RATE = 8.0


class Births:
    """Delay and birth time of every octave, tabulated once over a shot.

    ``zoom`` gives × per second at a time in seconds, ``scales`` are the octaves' (1 = full size),
    ``duration`` and ``longest`` are seconds. Raises ConfigError where the zoom is not above 0.
    """

    def __init__(
        self,
        zoom: Callable[[float], float],
        scales: Sequence[float],
        duration: float,
        longest: float = LONGEST,
    ) -> None:
        self.times = np.arange(math.ceil(duration / STEP) + 1, dtype=np.float64) * STEP
        speed = _log_zoom(zoom, self.times)
        self._sizes = np.array(sorted({max(-math.log(scale), 0.0) for scale in scales}))
        largest = float(self._sizes[-1])
        slowest = largest / longest
        counted = np.minimum(1.0, (speed / slowest) ** 2) if slowest else np.zeros_like(speed)
        paths = _Paths(_integral(speed), _integral(counted), float(speed[0]), float(counted[0]))
        self._delays = [_steady(np.minimum(paths.ages(float(size), largest), longest)) for size in self._sizes]

    def delay(self, t: float, scale: float) -> float:
        """Seconds since the motifs that fill the octave of ``scale`` at ``t`` were born.

        Between two octaves the delay is interpolated by ln(scale); outside them the nearest counts.
        """
        at = [float(np.interp(t, self.times, delays)) for delays in self._delays]
        return float(np.interp(-math.log(scale), self._sizes, at))

    def born(self, t: float, scale: float) -> float:
        """The birth time in seconds: ``t`` less the delay. May lie before 0."""
        return t - self.delay(t, scale)


class _Paths:
    """Motifs followed back in time along L, to where they left the octaves."""

    def __init__(self, travel: Floats, clock: Floats, speed: float, pace: float) -> None:
        self._travel, self._clock = travel, clock
        self._speed, self._pace = speed, pace  # before second 0

    def ages(self, size: float, largest: float) -> Floats:
        """Seconds, as ``clock`` counts them, since the motifs of ``size`` at each time were born.

        ``largest`` is the size at the coarsest octave.
        """
        births = np.empty_like(self._clock)
        fine, coarse = _LastBelow(), _LastBelow()
        for index, travel in enumerate(self._travel.tolist()):
            birth, death = travel - size, travel + (largest - size)
            finest, coarsest = fine.find(birth), coarse.find(-death)
            if finest < 0 and coarsest < 0:
                births[index] = self._before_start(birth if self._speed > 0 else death)
            elif finest >= coarsest:
                births[index] = self._crossing(finest, birth)
            else:
                births[index] = self._crossing(coarsest, death)
            fine.add(travel)
            coarse.add(-travel)
        return self._clock - births

    def _before_start(self, level: float) -> float:
        """The clock when L, running at its first speed for ever before second 0, was ``level``."""
        return self._pace * level / self._speed if self._speed else 0.0

    def _crossing(self, last: int, level: float) -> float:
        """The clock when L reached ``level`` between the entries ``last`` and ``last`` + 1."""
        start, end = self._travel[last], self._travel[last + 1]
        share = min(max((level - start) / (end - start), 0.0), 1.0) if end != start else 0.0
        return float(self._clock[last] + share * (self._clock[last + 1] - self._clock[last]))


class _LastBelow:
    """The last of the numbers so far that is below some bound, found in logarithmic time."""

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
        raise ConfigError(
            "camera.zoom",
            f"{rates[index]:g}",
            f"the zoom has to stay above 0, also at {show_time(float(times[index]))}",
        )
    speeds: Floats = np.log(rates)
    return speeds


def _integral(values: Floats) -> Floats:
    """From second 0 to every tabulated time, by trapezoids."""
    return np.concatenate([[0.0], np.cumsum((values[1:] + values[:-1]) / 2) * STEP])


def _steady(delays: Floats) -> Floats:
    """The delays, moving by no more than ``RATE`` seconds per second."""
    reach = RATE * STEP
    steady = delays.tolist()
    for index in range(1, len(steady)):
        before = steady[index - 1]
        steady[index] = min(max(steady[index], before - reach), before + reach)
    return np.array(steady)
