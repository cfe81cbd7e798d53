"""Tempo and beats: a tempo that may drift, then the chain of beats that fits tempo and onsets best.

The tempo follows the strongest period of the onsets' autocorrelation, second by second, as a path that seldom jumps.
Beats are found by dynamic programming (Ellis, *Beat Tracking by Dynamic Programming*, 2007).
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pipeline.music.features import PER_SECOND
from pipeline.music.onsets import Rises, around, between, seconds

Floats = NDArray[np.float64]

SLOWEST, FASTEST = 45.0, 200.0  # beats per minute
REACH = 6.0  # seconds on either side that tell the tempo of a moment
STEP = 1.0  # seconds between moments at which the tempo is told
# The half period's autocorrelation over the period's from which on each half is a beat of its own; less is enough where
# beats would else be slower than music's usually are. Off-beat hats come to 0.6.
EQUAL, SLOW, EQUAL_IF_SLOW = 0.86, 80.0, 0.78
LEAST = 0.36  # autocorrelation below which there is no beat: white noise comes to 0.3
FAINT = 0.01  # deviations squared of the onsets, far below which there is nothing to correlate
LAGS_PER_OCTAVE = 48
JUMP = 1.2  # what a change of tempo by an octave costs, in autocorrelations
USUAL, SPREAD = 110.0, 1.2  # beats per minute that are most usual, and octaves in which others become less so
TIGHT = 400.0  # how much a beat's distance counts against its onset


@dataclass(frozen=True)
class Pulse:
    """``times`` of the beats in seconds, empty where no beat is heard; ``bpm`` is their usual rate."""

    times: Floats
    bpm: float


def track(rise: Rises) -> Pulse:
    """The beats that the onsets suggest."""
    total = _whiten(rise.all)
    if len(total) < 2 * PER_SECOND or not total.any():
        return Pulse(np.zeros(0), 0.0)
    bands = [_whiten(band) for band in (rise.low, rise.mid, rise.high)]
    lags = PER_SECOND * 60 / FASTEST * 2 ** (np.arange(_octaves() * LAGS_PER_OCTAVE + 1) / LAGS_PER_OCTAVE)
    table = _tempogram(total, bands, lags)
    if float(table.max(axis=1).mean()) < LEAST:
        return Pulse(np.zeros(0), 0.0)
    path = _path(table, lags)
    period = np.interp(np.arange(len(total)), np.arange(len(path)) * STEP * PER_SECOND, lags[path])
    frames = _on_the_beat(_chain(total, period), rise)
    times = np.unique(seconds(np.array([_sharpen(total, frame) for frame in frames.tolist()])))
    return Pulse(times, 60 / float(np.median(np.diff(times)))) if len(times) > 2 else Pulse(np.zeros(0), 0.0)


def _octaves() -> int:
    return int(np.ceil(np.log2(FASTEST / SLOWEST)))


def _whiten(rise: Floats) -> Floats:
    """Rises over what is usual within some seconds, in units of what they usually are there."""
    reach = int(4 * PER_SECOND)
    mean = around(rise, reach)
    deviation = np.sqrt(np.maximum(around(rise**2, reach) - mean**2, 0))
    floor = 0.05 * float(rise.max(initial=0)) + 1e-12
    whitened: Floats = np.maximum(0, rise - mean) / np.maximum(deviation, floor)
    return whitened


def _tempogram(total: Floats, bands: list[Floats], lags: Floats) -> Floats:
    """``(moments, lags)``: normalised autocorrelation of the onsets around each moment, of all and of each band."""
    length = int(2 * REACH * PER_SECOND)
    longest = int(lags[-1] * 2) + 2
    moments = int(len(total) / (STEP * PER_SECOND)) + 1
    rows = np.zeros((moments, len(lags)))
    window, blur = np.hanning(length), np.hanning(9)[1:-1]
    fair = length / (length - np.arange(longest))  # longer lags have fewer pairs
    for signal, weight in ((total, 0.5), *((band, 0.5 / len(bands)) for band in bands)):
        padded = np.pad(np.convolve(signal, blur, "same"), length // 2)
        for moment in range(moments):
            first = round(moment * STEP * PER_SECOND)
            piece = padded[first : first + length] * window
            spectrum = np.fft.rfft(piece - piece.mean(), 2 * length)
            full = np.fft.irfft(np.abs(spectrum) ** 2)[:longest]
            rows[moment] += weight * np.interp(lags, np.arange(longest), full / (full[0] + FAINT * length) * fair)
    return rows


def _path(table: Floats, lags: Floats) -> NDArray[np.int64]:
    """The index of the lag at each moment (Viterbi 1967): strong, seldom jumping, at the level where beats are."""
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
    return _level(table, path)


def _level(table: Floats, path: NDArray[np.int64]) -> NDArray[np.int64]:
    """The path an octave faster where each half of its period is as much of a beat as the whole."""

    def strength(shifted: NDArray[np.int64]) -> float:
        if shifted.min() < 0 or shifted.max() >= table.shape[1]:
            return 0.0
        return float(np.mean([table[n, max(0, i - 2) : i + 3].max() for n, i in enumerate(shifted)]))

    here, slow = strength(path), float(np.log2(FASTEST / SLOW)) * LAGS_PER_OCTAVE
    while strength(path - LAGS_PER_OCTAVE) > (EQUAL_IF_SLOW if np.median(path) > slow else EQUAL) * here:
        path = path - LAGS_PER_OCTAVE
    return path


def _chain(total: Floats, period: Floats) -> NDArray[np.int64]:
    """Frames of the beats whose onsets are strong and whose distances are near the period."""
    count = len(total)
    score, before = total.copy(), np.full(count, -1, np.int64)
    for frame in range(count):
        wanted = period[frame]
        first, last = frame - round(2 * wanted), frame - max(1, round(wanted / 2))
        if last < 0:
            continue
        first = max(first, 0)
        gaps = frame - np.arange(first, last + 1)
        chained = score[first : last + 1] - TIGHT * np.log(gaps / wanted) ** 2
        choice = int(chained.argmax())
        if chained[choice] > 0:
            score[frame] += chained[choice]
            before[frame] = first + choice
    end = count - 1 - round(period[-1])
    frame = max(end, 0) + int(score[max(end, 0) :].argmax())
    frames = []
    while frame >= 0:
        frames.append(frame)
        frame = int(before[frame])
    return np.array(frames[::-1], np.int64)


def _on_the_beat(frames: NDArray[np.int64], rise: Rises) -> NDArray[np.int64]:
    """The chain, or the one half a beat later where the low and middle sounds are clearly there."""
    if len(frames) < 4:
        return frames
    halves = (frames[1:] + frames[:-1]) // 2
    body = rise.low + rise.mid

    def weight(at: NDArray[np.int64]) -> float:
        near = np.stack([body[np.clip(at + shift, 0, len(body) - 1)] for shift in range(-3, 4)])
        return float(np.median(near.max(axis=0)))

    return halves if weight(halves) > 1.5 * weight(frames) else frames


def _sharpen(total: Floats, frame: int) -> float:
    """Where the onset at a beat is strongest, within a 40th of a second; where there is none, the beat itself."""
    first = max(frame - 2, 0)
    top = first + int(total[first : frame + 3].argmax())
    return between(total, top) if total[top] > 0.5 else float(frame)
