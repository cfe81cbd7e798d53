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
    """The delay of every octave, tabulated for the first ``duration`` seconds; one that ``grows`` goes on from there.

    ``zoom`` gives × per second at a time in seconds, ``scales`` are the octaves' (1 = full size). Raises ConfigError
    if the zoom is not above 0.
    """

    def __init__(
        self,
        zoom: Callable[[float], float],
        scales: Sequence[float],
        duration: float,
        max_seconds: float = MAX_DELAY_SECONDS,
        *,
        grows: bool = False,
    ) -> None:
        self._zoom, self._grows = zoom, grows
        self._sizes = sorted({max(-math.log(scale), 0.0) for scale in scales})
        self._slowest = self._sizes[-1] / max_seconds
        self._travel, self._clock = _Integral(), _Integral()
        self._motifs = [_Motifs(size, self._sizes[-1], max_seconds, self._travel, self._clock) for size in self._sizes]
        self._extend(math.ceil(duration / STEP_SECONDS) + 1)

    def delay(self, t: float, scale: float) -> float:
        """Seconds since the motifs that fill the octave of ``scale`` at ``t`` were born.

        Linear in ln(scale) between two octaves; beyond them that of the nearest.
        """
        if self._grows:
            self._extend(math.ceil(t / STEP_SECONDS) + 1)
        first = max(0, min(int(t / STEP_SECONDS), len(self._travel.values) - 2) - 1)
        place = slice(first, first + 4)  # entries on either side of t
        times = np.arange(first, min(first + 4, len(self._travel.values)), dtype=np.float64) * STEP_SECONDS
        delays = [float(np.interp(t, times, each.delays[place])) for each in self._motifs]
        return float(np.interp(-math.log(scale), self._sizes, delays))

    def _extend(self, count: int) -> None:
        """Tabulate up to ``count`` entries."""
        times = np.arange(len(self._travel.values), count, dtype=np.float64) * STEP_SECONDS
        for speed in _log_zoom(self._zoom, times).tolist():
            relative = speed / self._slowest if self._slowest else 0.0
            self._travel.add(speed)
            self._clock.add(min(1.0, relative * relative))
            for motifs in self._motifs:
                motifs.add()


class _Integral:
    """From second 0 to every tabulated time, by trapezoids. ``first`` is what is integrated, at second 0."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.first = self._last = self._sum = 0.0

    def add(self, value: float) -> None:
        if not self.values:
            self.first = value
        else:
            self._sum += (value + self._last) / 2
        self._last = value
        self.values.append(self._sum * STEP_SECONDS)


class _Motifs:
    """The motifs of one ``size``, followed back in time along L (``travel``) to where they left the octaves.

    ``largest`` is X. ``delays`` are the seconds on ``clock`` since their birth, changing by no more than ``MAX_RATE``
    seconds per second.
    """

    def __init__(self, size: float, largest: float, max_seconds: float, travel: _Integral, clock: _Integral) -> None:
        self._size, self._largest, self._max_seconds = size, largest, max_seconds
        self._travel, self._clock = travel, clock
        self._fine, self._coarse = _LastBelow(), _LastBelow()
        self.delays: list[float] = []

    def add(self) -> None:
        """The delay of the newest entry."""
        travel = self._travel.values[-1]
        delay = min(self._clock.values[-1] - self._birth(travel), self._max_seconds)
        if self.delays:
            max_step, before = MAX_RATE * STEP_SECONDS, self.delays[-1]
            delay = min(max(delay, before - max_step), before + max_step)
        self.delays.append(delay)
        self._fine.add(travel)
        self._coarse.add(-travel)

    def _birth(self, travel: float) -> float:
        fine_level, coarse_level = travel - self._size, travel + (self._largest - self._size)
        fine_index, coarse_index = self._fine.find(fine_level), self._coarse.find(-coarse_level)
        if fine_index < 0 and coarse_index < 0:
            return self._before_start(fine_level if self._travel.first > 0 else coarse_level)
        if fine_index >= coarse_index:
            return self._crossing(fine_index, fine_level)
        return self._crossing(coarse_index, coarse_level)

    def _before_start(self, level: float) -> float:
        """The clock when L was ``level`` before second 0, at constant first speed."""
        return self._clock.first * level / self._travel.first if self._travel.first else 0.0

    def _crossing(self, index: int, level: float) -> float:
        """The clock when L reached ``level`` between the entries ``index`` and ``index`` + 1."""
        start, end = self._travel.values[index : index + 2]
        before, after = self._clock.values[index : index + 2]
        fraction = min(max((level - start) / (end - start), 0.0), 1.0) if end != start else 0.0
        return before + fraction * (after - before)


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
