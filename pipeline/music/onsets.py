"""Onset detection: how much louder each band becomes, and the peaks of that curve.

The rise of the compressed spectrum over two frames, each band against the loudest of its neighbours before, so that
a sliding pitch is no onset (SuperFlux: Böck and Widmer 2013).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.music.features import BASS, PER_SECOND, TREBLE, Features, band_centres

Floats = NDArray[np.float64]

SILENT_POWER = 1e-8
"""Power (-80 dB of full scale) below which a song is silent."""
RISE_FLOOR = 1e-3
"""Power relative to the loud parts' down to which rises are resolved."""
MIN_RELATIVE_POWER = 1e-8  # of the loudest band, below which the level in decibels does not fall
LAG_FRAMES = 2  # frames
MIN_STRENGTH, MIN_GAP_SECONDS = 0.1, 0.06
"""An onset rises by this fraction of the strongest ones', at least so many seconds after the one before."""
STROKE_FLOOR = 1e-2
"""Power relative to the loud parts' down to which drum strokes are resolved."""
FRAMES_BEFORE, FRAMES_AFTER = 3, 9  # around a drum stroke, which are quieter
MIN_RISE = 0.1
"""The strength-1 rise is at least this, so that faint noise has no strong onsets."""


@dataclass(frozen=True)
class Rises:
    """Per feature frame: how much the ``low``, ``mid`` and ``high`` bands rise."""

    low: Floats
    mid: Floats
    high: Floats

    @property
    def all(self) -> Floats:
        """The weighted sum; high bands count least, since they seldom carry the beat."""
        return 0.4 * self.low + 0.4 * self.mid + 0.2 * self.high


def rises(features: Features) -> Rises:
    """How much each band rises; zeros where the song is silent."""
    power = features.spectrum
    loud = float(np.quantile(power.max(axis=1), 0.98)) if len(power) else 0.0
    if loud < SILENT_POWER:
        silent = np.zeros(len(power))
        return Rises(silent, silent, silent)
    level = np.log1p(power / (loud * RISE_FLOOR)) + np.sqrt(power / loud)
    before = np.maximum(level, np.maximum(np.roll(level, 1, axis=1), np.roll(level, -1, axis=1)))
    before[:, 0], before[:, -1] = level[:, :2].max(axis=1), level[:, -2:].max(axis=1)
    rise = np.zeros_like(level)
    rise[LAG_FRAMES:] = np.maximum(0, level[LAG_FRAMES:] - before[:-LAG_FRAMES])
    rise[:LAG_FRAMES] = np.maximum(0, level[:LAG_FRAMES])  # a song that starts loud has an onset at 0
    hertz = band_centres()
    groups = (hertz < BASS, (hertz >= BASS) & (hertz < TREBLE), hertz >= TREBLE)
    low, mid, high = (rise[:, group].mean(axis=1).astype(np.float64) for group in groups)
    return Rises(low, mid, high)


def beat_onsets(features: Features, rise: Rises) -> Floats:
    """What beats lie on: the rises, and those of the level in decibels, in which soft songs have onsets too."""
    power = features.spectrum
    level = 10 * np.log10(np.maximum(power, MIN_RELATIVE_POWER * float(power.max(initial=0.0)) + 1e-20))
    flux = np.zeros(len(power))
    flux[LAG_FRAMES:] = np.maximum(0, level[LAG_FRAMES:] - level[:-LAG_FRAMES]).mean(axis=1)
    return (_whiten(rise.all) + _whiten(flux)) / 2


def _whiten(rise: Floats) -> Floats:
    """Rises above their local mean, in units of their local deviation."""
    reach = int(4 * PER_SECOND)
    mean = local_mean(rise, reach)
    deviation = np.sqrt(np.maximum(local_mean(rise**2, reach) - mean**2, 0))
    floor = 0.05 * float(rise.max(initial=0)) + 1e-12
    whitened: Floats = np.maximum(0, rise - mean) / np.maximum(deviation, floor)
    return whitened


def strokes(features: Features) -> tuple[Floats, Floats]:
    """Drum strokes per feature frame, in low and in other bands.

    How far a band rises above its level shortly before and a tenth of a second after; a bass or a chord stays.
    """
    power = features.spectrum
    loud = float(np.quantile(power.max(axis=1), 0.98)) if len(power) else 0.0
    if loud < SILENT_POWER:
        return np.zeros(len(power)), np.zeros(len(power))
    level = np.log1p(power / (loud * STROKE_FLOOR))
    padded = np.pad(level, ((FRAMES_BEFORE, FRAMES_AFTER), (0, 0)), mode="edge")
    padded[:FRAMES_BEFORE] = 0  # silence
    here = padded[FRAMES_BEFORE + 1 : FRAMES_BEFORE + 1 + len(level)]
    later = padded[FRAMES_BEFORE + FRAMES_AFTER :][: len(level)]
    before = np.maximum(padded[: len(level)], padded[1 : len(level) + 1])
    stroke = np.maximum(0, here - np.maximum(before, later))
    low, other = (stroke[:, group].mean(axis=1).astype(np.float64) for group in (slice(0, 2), slice(2, None)))
    return low, other


def peaks(rise: Floats) -> tuple[Floats, Floats]:
    """(seconds, strengths in 0..1) of the onsets of a ``rise`` curve."""
    if len(rise) < 3 or not rise.max() > 0:
        return np.zeros(0), np.zeros(0)
    padded = np.pad(rise, 1)
    # Above its neighbours and well above the local mean.
    mean = local_mean(rise, round(0.4 * PER_SECOND))
    top = (rise > padded[:-2]) & (rise >= padded[2:])
    high = rise[top & (rise > MIN_STRENGTH * rise.max())]
    strongest = max(MIN_RISE, float(np.quantile(high, 0.75)))
    top &= rise > 1.5 * mean + MIN_STRENGTH * strongest
    indices = np.flatnonzero(top)
    chosen: list[int] = []
    for index in indices.tolist():
        if chosen and index - chosen[-1] < MIN_GAP_SECONDS * PER_SECOND:
            chosen[-1] = max(chosen[-1], index, key=lambda n: float(rise[n]))
        else:
            chosen.append(index)
    times = np.array([refine_peak(rise, index) for index in chosen])
    return seconds(times), np.minimum(1.0, rise[chosen] / strongest)


def refine_peak(rise: Floats, index: int) -> float:
    """The frame of a peak, refined by the parabola through it and its neighbours."""
    if not 0 < index < len(rise) - 1:
        return float(index)
    before, here, after = rise[index - 1 : index + 2]
    bend = before - 2 * here + after
    shift = 0.5 * float((before - after) / bend) if bend < 0 else 0.0
    return index + min(max(shift, -0.5), 0.5)


def seconds(frames: Floats) -> Floats:
    """Frames to seconds."""
    times: Floats = frames / PER_SECOND
    return times


def local_mean(values: Floats, reach: int) -> Floats:
    """The mean of ``reach`` entries on either side of each."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    first, last = np.maximum(index - reach, 0), np.minimum(index + reach + 1, len(values))
    means: Floats = (total[last] - total[first]) / (last - first)
    return means
