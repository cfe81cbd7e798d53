"""A pulse that is surely there, second by second: some multiple or part of the beat's period, as a path without leaps.

A period is as strong as the onsets' autocorrelation at it, at twice and at three or four times it: of what beats and
bars are made of repeats at each (after Klapuri, Eronen and Astola 2006). Which multiple is the beat is told elsewhere.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pipeline.music.features import PER_SECOND
from pipeline.music.onsets import Rises, around

Floats = NDArray[np.float64]

SLOWEST, FASTEST = 45.0, 200.0  # pulses a minute
REACH = 6.0  # seconds on either side that tell the period of a moment
STEP = 1.0  # seconds between moments at which the period is told
LEAST = 0.33  # autocorrelation below which there is no beat: white noise comes to 0.3
FAINT = 0.01  # deviations squared of the onsets, far below which there is nothing to correlate
LAGS_PER_OCTAVE = 48
JUMP = 1.2  # what a change of period by an octave costs, in autocorrelations
USUAL, SPREAD = 110.0, 1.2  # pulses a minute that are most usual, and octaves in which others become less so
MULTIPLES = 0.5  # how much the autocorrelation at multiples of a period counts against that at itself


def pulse(rise: Rises) -> Floats | None:
    """Frames between pulses, for every frame; None where nothing repeats."""
    total = whiten(rise.all)
    if len(total) < 2 * PER_SECOND or not total.any():
        return None
    count = int(np.log2(FASTEST / SLOWEST) * LAGS_PER_OCTAVE) + 1
    lags = PER_SECOND * 60 / FASTEST * 2 ** (np.arange(count) / LAGS_PER_OCTAVE)
    signals = [(total, 0.5), *((whiten(band), 0.5 / 3) for band in (rise.low, rise.mid, rise.high))]
    table = _tempogram(signals, lags)
    if float(table.max(axis=(0, 2)).mean()) < LEAST:
        return None
    here, twice, bars = table
    path = _path((here + MULTIPLES * (twice + bars)) / (1 + 2 * MULTIPLES), lags)
    return np.interp(np.arange(len(total)), np.arange(len(path)) * STEP * PER_SECOND, lags[path])


def whiten(rise: Floats) -> Floats:
    """Rises over what is usual within some seconds, in units of what they usually are there."""
    reach = int(4 * PER_SECOND)
    mean = around(rise, reach)
    deviation = np.sqrt(np.maximum(around(rise**2, reach) - mean**2, 0))
    floor = 0.05 * float(rise.max(initial=0)) + 1e-12
    whitened: Floats = np.maximum(0, rise - mean) / np.maximum(deviation, floor)
    return whitened


def _tempogram(signals: list[tuple[Floats, float]], lags: Floats) -> Floats:
    """``(3, moments, lags)``: normalised autocorrelation of the weighted signals around each moment, at the lags, at
    twice them, and at three or four times."""
    length, longest = int(2 * REACH * PER_SECOND), int(lags[-1] * 4) + 2
    moments = int(len(signals[0][0]) / (STEP * PER_SECOND)) + 1
    table = np.zeros((3, moments, len(lags)))
    window, blur = np.hanning(length), np.hanning(9)[1:-1]
    # Longer lags have fewer pairs; of the longest there are too few to make up for.
    fair = length / (length - np.minimum(np.arange(longest), 0.6 * length))
    for signal, weight in signals:
        padded = np.pad(np.convolve(signal, blur, "same"), (length // 2, length - length // 2))
        for moment in range(moments):
            first = round(moment * STEP * PER_SECOND)
            piece = padded[first : first + length] * window
            spectrum = np.fft.rfft(piece - piece.mean(), 2 * length)
            full = np.fft.irfft(np.abs(spectrum) ** 2)[:longest]
            full *= fair / (full[0] + FAINT * length)
            at = [np.interp(n * lags, np.arange(longest), full) for n in (1, 2, 3, 4)]
            table[:, moment] += weight * np.stack([at[0], at[1], np.maximum(at[2], at[3])])
    return table


def _path(table: Floats, lags: Floats) -> NDArray[np.int64]:
    """The index of the lag at each moment (Viterbi 1967): strong, seldom jumping."""
    octave = LAGS_PER_OCTAVE
    usual = np.exp(-0.5 * (np.log2(lags / (PER_SECOND * 60 / USUAL)) / SPREAD) ** 2)
    strength = table * usual
    reach = octave // 4
    moves = np.arange(-reach, reach + 1)
    cost = JUMP / octave * np.abs(moves)
    best, came = strength[0].copy(), np.zeros(table.shape, np.int64)
    for moment in range(1, len(table)):
        padded = np.pad(best, reach, constant_values=-np.inf)
        options = sliding_window_view(padded, len(moves)).T - cost[:, None]
        choice = options.argmax(axis=0)
        came[moment] = np.clip(np.arange(len(best)) + moves[choice], 0, len(best) - 1)
        best = options.max(axis=0) + strength[moment]
    path = np.zeros(len(table), np.int64)
    path[-1] = int(best.argmax())
    for moment in range(len(table) - 1, 0, -1):
        path[moment - 1] = came[moment, path[moment]]
    return path
