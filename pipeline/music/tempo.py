"""Estimates how the tempo runs: a smooth curve of beat periods around each likely tempo, and a free one.

The strength of a period is the onsets' autocorrelation at it, at twice and at three or four times it, since beats and
bars repeat at each (after Klapuri, Eronen and Astola 2006). ``beats`` decides which curve is the beat's.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pipeline.music.features import PER_SECOND

Floats = NDArray[np.float64]

MIN_BPM, MAX_BPM = 40.0, 240.0
LAGS_PER_OCTAVE = 48
LAGS = PER_SECOND * 60 / MAX_BPM * 2 ** (np.arange(int(np.log2(MAX_BPM / MIN_BPM) * LAGS_PER_OCTAVE) + 1) / 48)
"""Possible periods, in frames."""
LOCAL_SECONDS = 6.0  # on either side, from which a period is estimated
STEP_SECONDS = 1.0  # between two estimates
MIN_STRENGTH = 0.2  # of the best period; below it there is no beat: white noise reaches 0.12
MIN_VARIANCE = 0.01  # of the onsets, added so that silence does not correlate
OCTAVE_COST = 1.2  # of a change of period by an octave, in autocorrelation
CURVES = 5  # likely tempi whose curves are tried
SPREAD_OCTAVES, FLOOR = 0.25, 0.3  # by which such a curve strays; added to the strength, so that silence keeps a tempo
COMMON_BPM, COMMON_OCTAVES = 120.0, 0.8  # mean and deviation of the free curve's prior (McKinney and Moelants 2006)


def periods(onsets: Floats) -> list[Floats]:
    """Curves of frames between beats, for every frame of the ``onsets``; none where nothing repeats."""
    if len(onsets) < 2 * PER_SECOND:
        return []
    table = tempogram(onsets)
    if float(table.max(axis=1).mean()) < MIN_STRENGTH:
        return []
    mean = np.pad(table.mean(axis=0), 1, constant_values=np.inf)
    tops = np.flatnonzero((mean[1:-1] > mean[:-2]) & (mean[1:-1] >= mean[2:]))
    tops = tops[np.argsort(-mean[tops + 1], kind="stable")][:CURVES]
    around = [(table + FLOOR) * _bell(LAGS[top], SPREAD_OCTAVES) for top in tops]
    paths = map(_path, [*around, table * _bell(PER_SECOND * 60 / COMMON_BPM, COMMON_OCTAVES)])
    frames, step = np.arange(len(onsets)), STEP_SECONDS * PER_SECOND
    return [np.interp(frames, np.arange(len(path)) * step, LAGS[path]) for path in paths]


def tempogram(onsets: Floats) -> Floats:
    """``(moments, LAGS)``: the strength of each period around each moment, at most 1."""
    length, longest = int(2 * LOCAL_SECONDS * PER_SECOND), int(LAGS[-1] * 4) + 2
    # Longer lags have fewer pairs; the correction stops where there are too few.
    correction = length / (length - np.minimum(np.arange(longest), 0.6 * length))
    margin = (length // 2, length - length // 2)
    smooth, is_inside = np.pad([np.convolve(onsets, np.hanning(9), "same"), np.ones(len(onsets))], ((0, 0), margin))
    rows = []
    for moment in range(int(len(onsets) / (STEP_SECONDS * PER_SECOND)) + 1):
        first = round(moment * STEP_SECONDS * PER_SECOND)
        piece, window = smooth[first : first + length], np.hanning(length) * is_inside[first : first + length]
        piece = (piece - (piece * window).sum() / max(float(window.sum()), 1e-9)) * window
        full = np.fft.irfft(np.abs(np.fft.rfft(piece, 2 * length)) ** 2)[:longest] * correction
        full /= full[0] + MIN_VARIANCE * length
        once, twice, three, four = (np.interp(n * LAGS, np.arange(longest), full) for n in (1, 2, 3, 4))
        rows.append((once + 0.5 * (twice + np.maximum(three, four))) / 2)
    return np.array(rows)


def _bell(lag: float, octaves: float) -> Floats:
    """A Gaussian over the logarithm of the period."""
    bell: Floats = np.exp(-0.5 * (np.log2(LAGS / lag) / octaves) ** 2)
    return bell


def _path(strength: Floats) -> NDArray[np.int64]:
    """The index of the lag at each moment: strong and smooth (Viterbi 1967)."""
    reach = LAGS_PER_OCTAVE // 4
    moves = np.arange(-reach, reach + 1)
    cost = OCTAVE_COST / LAGS_PER_OCTAVE * np.abs(moves)
    best, previous = strength[0].copy(), np.zeros(strength.shape, np.int64)
    for moment in range(1, len(strength)):
        padded = np.pad(best, reach, constant_values=-np.inf)
        options = sliding_window_view(padded, len(moves)).T - cost[:, None]
        choice = options.argmax(axis=0)
        previous[moment] = np.clip(np.arange(len(best)) + moves[choice], 0, len(best) - 1)
        best = options.max(axis=0) + strength[moment]
    path = np.zeros(len(strength), np.int64)
    path[-1] = int(best.argmax())
    for moment in range(len(strength) - 1, 0, -1):
        path[moment - 1] = previous[moment, path[moment]]
    return path
