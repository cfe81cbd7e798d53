"""Where sounds begin: how much louder each band has just become, and the peaks of that.

The rise of the compressed spectrum over two frames, each band against the loudest of its neighbours before, so that
a sliding pitch is no onset (SuperFlux: Böck and Widmer 2013).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.music.features import BASS, PER_SECOND, TREBLE, Features, middles

Floats = NDArray[np.float64]

QUIETEST = 1e-8
"""Power (-80 dB of full scale) below which a song is silent."""
DEPTH = 1e-3
"""Power over the loud parts' down to which rises are told apart."""
LAG = 2  # frames
STRONG, REST = 0.1, 0.06
"""An onset rises by so much of the strongest ones', at least so many seconds after the one before."""
STROKE_DEPTH = 1e-2
"""Power over the loud parts' down to which strokes are told apart."""
BEFORE, AFTER = 3, 9  # frames around a stroke in which there is less
FAINT = 0.1
"""A rise of less than this is not taken for strong, however little else there is."""


@dataclass(frozen=True)
class Rises:
    """Per 86th of a second: how much ``low``, ``mid`` and ``high`` have risen; ``all`` weighs high sounds least."""

    low: Floats
    mid: Floats
    high: Floats

    @property
    def all(self) -> Floats:
        """The three together: what carries the beat is seldom the highest."""
        return 0.4 * self.low + 0.4 * self.mid + 0.2 * self.high


def rises(features: Features) -> Rises:
    """How much each band rises; zeros where the song is silent."""
    power = features.spectrum
    loud = float(np.quantile(power.max(axis=1), 0.98)) if len(power) else 0.0
    if loud < QUIETEST:
        silent = np.zeros(len(power))
        return Rises(silent, silent, silent)
    level = np.log1p(power / (loud * DEPTH)) + np.sqrt(power / loud)
    before = np.maximum(level, np.maximum(np.roll(level, 1, axis=1), np.roll(level, -1, axis=1)))
    before[:, 0], before[:, -1] = level[:, :2].max(axis=1), level[:, -2:].max(axis=1)
    rise = np.zeros_like(level)
    rise[LAG:] = np.maximum(0, level[LAG:] - before[:-LAG])
    rise[:LAG] = np.maximum(0, level[:LAG])  # what sounds at once begins there
    hertz = middles()
    groups = (hertz < BASS, (hertz >= BASS) & (hertz < TREBLE), hertz >= TREBLE)
    low, mid, high = (rise[:, group].mean(axis=1).astype(np.float64) for group in groups)
    return Rises(low, mid, high)


def strokes(features: Features) -> tuple[Floats, Floats]:
    """Per 86th of a second: how far low and other bands stand above what they were before and are a tenth of a second
    after. Strokes of drums are short; what rises and stays, a bass or a chord, is none."""
    power = features.spectrum
    loud = float(np.quantile(power.max(axis=1), 0.98)) if len(power) else 0.0
    if loud < QUIETEST:
        return np.zeros(len(power)), np.zeros(len(power))
    level = np.log1p(power / (loud * STROKE_DEPTH))
    padded = np.pad(level, ((BEFORE, AFTER), (0, 0)), mode="edge")
    padded[:BEFORE] = 0  # silence
    here = padded[BEFORE + 1 : BEFORE + 1 + len(level)]
    later = padded[BEFORE + AFTER :][: len(level)]
    before = np.maximum(padded[: len(level)], padded[1 : len(level) + 1])
    stroke = np.maximum(0, here - np.maximum(before, later))
    low, other = (stroke[:, group].mean(axis=1).astype(np.float64) for group in (slice(0, 2), slice(2, None)))
    return low, other


def peaks(rise: Floats) -> tuple[Floats, Floats]:
    """(seconds, strengths in 0..1) of the onsets that ``rise`` shows."""
    if len(rise) < 3 or not rise.max() > 0:
        return np.zeros(0), np.zeros(0)
    padded = np.pad(rise, 1)
    # Above its neighbours and well above what is usual around it.
    usual = around(rise, round(0.4 * PER_SECOND))
    top = (rise > padded[:-2]) & (rise >= padded[2:])
    high = rise[top & (rise > STRONG * rise.max())]
    strongest = max(FAINT, float(np.quantile(high, 0.75)))
    top &= rise > 1.5 * usual + STRONG * strongest
    found = np.flatnonzero(top)
    kept: list[int] = []
    for index in found.tolist():
        if kept and index - kept[-1] < REST * PER_SECOND:
            kept[-1] = max(kept[-1], index, key=lambda n: float(rise[n]))
        else:
            kept.append(index)
    times = np.array([between(rise, index) for index in kept])
    return seconds(times), np.minimum(1.0, rise[kept] / strongest)


def between(rise: Floats, index: int) -> float:
    """Where the parabola through a peak and its neighbours is highest, in frames."""
    if not 0 < index < len(rise) - 1:
        return float(index)
    before, here, after = rise[index - 1 : index + 2]
    bend = before - 2 * here + after
    shift = 0.5 * float((before - after) / bend) if bend < 0 else 0.0
    return index + min(max(shift, -0.5), 0.5)


def seconds(frames: Floats) -> Floats:
    """The second at which a sound begins whose rise peaks at these frames."""
    times: Floats = frames / PER_SECOND
    return times


def around(values: Floats, reach: int) -> Floats:
    """The mean of ``reach`` entries on either side of each."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    first, last = np.maximum(index - reach, 0), np.minimum(index + reach + 1, len(values))
    means: Floats = (total[last] - total[first]) / (last - first)
    return means
