"""Estimates the pulse second by second: a smooth path of periods, each a multiple or part of the beat's.

The strength of a period is the onsets' autocorrelation at it, at twice and at three or four times it, since beats and
bars repeat at each (after Klapuri, Eronen and Astola 2006). ``beats`` decides which multiple is the beat.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pipeline.music.features import PER_SECOND
from pipeline.music.onsets import Rises, local_mean

Floats = NDArray[np.float64]

MIN_PPM, MAX_PPM = 45.0, 200.0  # pulses a minute
LOCAL_SECONDS = 6.0  # on either side, from which a period is estimated
STEP_SECONDS = 1.0  # between two estimates
MIN_CORRELATION = 0.33  # below it there is no beat: white noise reaches 0.3
MIN_VARIANCE = 0.01  # of the onsets, added so that silence does not correlate
LAGS_PER_OCTAVE = 48
OCTAVE_COST = 1.2  # of a change of period by an octave, in autocorrelation
COMMON_PPM, SPREAD_OCTAVES = 110.0, 1.2  # mean and deviation of the prior of pulses a minute
MULTIPLES_WEIGHT = 0.5  # of the autocorrelation at multiples of a period


def pulse(rise: Rises) -> Floats | None:
    """Frames between pulses, for every frame; None where nothing repeats."""
    total = whiten(rise.all)
    if len(total) < 2 * PER_SECOND or not total.any():
        return None
    count = int(np.log2(MAX_PPM / MIN_PPM) * LAGS_PER_OCTAVE) + 1
    lags = PER_SECOND * 60 / MAX_PPM * 2 ** (np.arange(count) / LAGS_PER_OCTAVE)
    signals = [(total, 0.5), *((whiten(band), 0.5 / 3) for band in (rise.low, rise.mid, rise.high))]
    table = _tempogram(signals, lags)
    if float(table.max(axis=(0, 2)).mean()) < MIN_CORRELATION:
        return None
    here, twice, bars = table
    path = _path((here + MULTIPLES_WEIGHT * (twice + bars)) / (1 + 2 * MULTIPLES_WEIGHT), lags)
    return np.interp(np.arange(len(total)), np.arange(len(path)) * STEP_SECONDS * PER_SECOND, lags[path])


def whiten(rise: Floats) -> Floats:
    """Rises above their local mean, in units of their local deviation."""
    reach = int(4 * PER_SECOND)
    mean = local_mean(rise, reach)
    deviation = np.sqrt(np.maximum(local_mean(rise**2, reach) - mean**2, 0))
    floor = 0.05 * float(rise.max(initial=0)) + 1e-12
    whitened: Floats = np.maximum(0, rise - mean) / np.maximum(deviation, floor)
    return whitened


def _tempogram(signals: list[tuple[Floats, float]], lags: Floats) -> Floats:
    """``(3, moments, lags)``: normalised autocorrelation of the weighted signals around each moment, at the lags, at
    twice them, and at three or four times."""
    length, longest = int(2 * LOCAL_SECONDS * PER_SECOND), int(lags[-1] * 4) + 2
    moments = int(len(signals[0][0]) / (STEP_SECONDS * PER_SECOND)) + 1
    table = np.zeros((3, moments, len(lags)))
    window, blur = np.hanning(length), np.hanning(9)[1:-1]
    # Longer lags have fewer pairs; the correction stops where there are too few.
    correction = length / (length - np.minimum(np.arange(longest), 0.6 * length))
    for signal, weight in signals:
        padded = np.pad(np.convolve(signal, blur, "same"), (length // 2, length - length // 2))
        for moment in range(moments):
            first = round(moment * STEP_SECONDS * PER_SECOND)
            piece = padded[first : first + length] * window
            spectrum = np.fft.rfft(piece - piece.mean(), 2 * length)
            full = np.fft.irfft(np.abs(spectrum) ** 2)[:longest]
            full *= correction / (full[0] + MIN_VARIANCE * length)
            at = [np.interp(n * lags, np.arange(longest), full) for n in (1, 2, 3, 4)]
            table[:, moment] += weight * np.stack([at[0], at[1], np.maximum(at[2], at[3])])
    return table


def _path(table: Floats, lags: Floats) -> NDArray[np.int64]:
    """The index of the lag at each moment: strong and smooth (Viterbi 1967)."""
    octave = LAGS_PER_OCTAVE
    prior = np.exp(-0.5 * (np.log2(lags / (PER_SECOND * 60 / COMMON_PPM)) / SPREAD_OCTAVES) ** 2)
    strength = table * prior
    reach = octave // 4
    moves = np.arange(-reach, reach + 1)
    cost = OCTAVE_COST / octave * np.abs(moves)
    best, previous = strength[0].copy(), np.zeros(table.shape, np.int64)
    for moment in range(1, len(table)):
        padded = np.pad(best, reach, constant_values=-np.inf)
        options = sliding_window_view(padded, len(moves)).T - cost[:, None]
        choice = options.argmax(axis=0)
        previous[moment] = np.clip(np.arange(len(best)) + moves[choice], 0, len(best) - 1)
        best = options.max(axis=0) + strength[moment]
    path = np.zeros(len(table), np.int64)
    path[-1] = int(best.argmax())
    for moment in range(len(table) - 1, 0, -1):
        path[moment - 1] = previous[moment, path[moment]]
    return path
