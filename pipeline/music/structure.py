"""Bars and sections of a song: accents of beats, changes of sound."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.music.features import PER_SECOND, Features
from pipeline.music.onsets import Rises

Floats = NDArray[np.float64]

MIN_TONES = 0.1  # amplitude of all tones relative to the loudest band's, below which there is no harmony
MIN_DEVIATION = 0.2  # of the changes of harmony, so that small ones do not count
MIN_SECTION_SECONDS = 8.0
KERNEL_HALF_SECONDS = 12  # on either side that are compared
MAX_DISTANCE = 0.75  # of the median distance to the mean, between sections of one kind
MIN_NOVELTY = 0.35  # of the largest change, for a new section


def accents(features: Features, rise: Rises, beats: Floats) -> Floats:
    """The accent of each beat, around 0: by its onset, its low onset, and the change of harmony at it."""
    if len(beats) < 3:
        return np.zeros(len(beats))
    frames = np.round(beats * PER_SECOND).astype(np.int64)
    strong, low = (_local_max(signal, frames) for signal in (rise.all, rise.low))
    edges = np.append(frames, min(len(features.tones), 2 * frames[-1] - frames[-2]))
    # The median over a beat is what sustains: drum strokes are short.
    sustained = np.stack([_median(features.tones, first, last) for first, last in pairwise(edges.tolist())])
    harmony = _harmony(sustained, MIN_TONES * float(np.sqrt(features.spectrum.max())))
    pairs = harmony + np.roll(harmony, -1, axis=0)
    change = np.zeros(len(beats))
    change[2:-1] = np.linalg.norm(pairs[2:-1] - pairs[:-3], axis=1)
    return 0.5 * _standard(strong) + _standard(low) + 2 * _standard(change, MIN_DEVIATION)


def _harmony(sustained: Floats, faint: float) -> Floats:
    """The tones of every beat ``(B, 12)`` at equal loudness; faint ones repeat those of the beat before."""
    loud = np.linalg.norm(sustained, axis=1)
    presence = np.minimum(1, loud / max(float(np.quantile(loud, 0.9)), faint, 1e-6))
    harmony: Floats = sustained / np.maximum(loud, max(faint, 1e-6))[:, None]
    for beat in range(1, len(harmony)):
        weight = min(1.0, 2 * float(presence[beat]))
        harmony[beat] = weight * harmony[beat] + (1 - weight) * harmony[beat - 1]
    return harmony


def first_of_bars(accent: Floats, beats_per_bar: int) -> int:
    """Which of the first ``beats_per_bar`` beats begins a bar."""
    if len(accent) < 2 * beats_per_bar:
        return 0
    return int(np.argmax([np.mean(accent[phase::beats_per_bar]) for phase in range(beats_per_bar)]))


def sections(features: Features, beats: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """(seconds, kinds): where sections begin, the first at 0, on beats where there are any; equal kinds sound alike.

    Changes are peaks of a checkerboard kernel along the diagonal of the self-similarity matrix (Foote 2000).
    """
    moments = _half_seconds(features)
    starts = [0.0]
    for moment in _changes(moments):
        second = _nearest(beats, moment / 2)
        if second - starts[-1] >= MIN_SECTION_SECONDS and features.seconds - second >= MIN_SECTION_SECONDS:
            starts.append(second)
    kinds = _kinds(moments, starts)
    new = np.append(True, kinds[1:] != kinds[:-1])  # merge neighbours of one kind
    return np.array(starts)[new], kinds[new]


def _half_seconds(features: Features) -> Floats:
    """``(M, BANDS + 1)``: the timbre and the loudness of every half second."""
    spectra = _timbre(features.spectrum)
    edges = np.arange(0, len(spectra) + PER_SECOND / 2, PER_SECOND / 2).astype(int).tolist()
    pairs = [(first, last) for first, last in pairwise(edges) if first < len(spectra)]
    return np.stack([_mean(spectra, first, last) for first, last in pairs])


def _changes(moments: Floats) -> list[int]:
    """The half seconds at which the sound changes, in order."""
    count, reach = len(moments), KERNEL_HALF_SECONDS
    if count < 4 * reach:
        return []
    taper = np.exp(-0.5 * (np.arange(-reach, reach) + 0.5) ** 2 / (reach / 2) ** 2)
    sign = np.sign(np.arange(-reach, reach) + 0.5)
    kernel = np.outer(sign * taper, sign * taper)
    unit = moments / np.maximum(np.linalg.norm(moments, axis=1, keepdims=True), 1e-9)
    novelty = np.zeros(count)
    for here in range(reach, count - reach):
        window = unit[here - reach : here + reach]
        novelty[here] = float((window @ window.T * kernel).sum())
    least = MIN_NOVELTY * float(novelty.max())
    if not least > 1e-6:
        return []
    padded = np.pad(novelty, reach)
    tops = [padded[n : n + 2 * reach + 1].max() == novelty[n] > least for n in range(count)]
    return [int(n) for n in np.flatnonzero(tops)]


def _kinds(moments: Floats, starts: list[float]) -> NDArray[np.int64]:
    """A number for every section; a section similar to an earlier one has its number."""
    edges = [round(2 * start) for start in starts] + [len(moments)]
    means = [_mean(moments, first, last) for first, last in pairwise(edges)]
    median = float(np.median(np.linalg.norm(moments - moments.mean(axis=0), axis=1)))
    kinds: list[int] = []
    for number, mean in enumerate(means):
        distances = [float(np.linalg.norm(mean - means[other])) for other in range(number)]
        is_similar = bool(distances) and min(distances) < MAX_DISTANCE * median
        kinds.append(kinds[int(np.argmin(distances))] if is_similar else max(kinds, default=-1) + 1)
    return np.array(kinds, np.int64)


def _timbre(spectrum: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(N, BANDS + 1)``: the level of every band in decades above a floor, minus the bands' mean, and that mean."""
    loud = max(float(np.quantile(spectrum, 0.99)), 1e-12)
    level = np.log10(spectrum / loud + 1e-4) + 4
    timbre: NDArray[np.float32] = np.concatenate([level - level.mean(axis=1, keepdims=True), level.mean(1)[:, None]], 1)
    return timbre


def _mean(rows: NDArray[np.float32] | Floats, first: int, last: int) -> Floats:
    mean: Floats = rows[min(first, len(rows) - 1) : max(last, first + 1)].mean(axis=0, dtype=np.float64)
    return mean


def _median(rows: NDArray[np.float32], first: int, last: int) -> Floats:
    """The median of the last three quarters of a beat."""
    first += (last - first) // 4
    middle: Floats = np.median(rows[min(first, len(rows) - 1) : max(last, first + 1)], axis=0).astype(np.float64)
    return middle


def _local_max(signal: Floats, frames: NDArray[np.int64]) -> Floats:
    """The largest value within a 30th of a second of each frame."""
    window = [signal[np.clip(frames + shift, 0, len(signal) - 1)] for shift in range(-3, 4)]
    greatest: Floats = np.max(window, axis=0)
    return greatest


def _standard(values: Floats, least: float = 1e-9) -> Floats:
    """The values minus their mean, divided by their deviation or ``least``, whichever is larger."""
    standard: Floats = (values - values.mean()) / max(float(values.std()), least)
    return standard


def _nearest(beats: Floats, second: float) -> float:
    """The beat within a second of ``second``, or ``second`` itself."""
    if not len(beats):
        return second
    beat = float(beats[np.abs(beats - second).argmin()])
    return beat if abs(beat - second) < 1.0 else second
