"""Beat tracking: the best beat sequence at each multiple of the pulse, and of these the one with the best score."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.music.beat_scoring import onset_signals
from pipeline.music.beat_scoring import score as sequence_score
from pipeline.music.features import PER_SECOND, Features
from pipeline.music.onsets import Rises, refine_peak, seconds
from pipeline.music.tempo import pulse, whiten

Floats = NDArray[np.float64]
Frames = NDArray[np.int64]
FACTORS = (1 / 4, 1 / 3, 3 / 8, 1 / 2, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 2, 8 / 3, 3, 4)
"""Possible periods of the beat, in pulses."""
MIN_BPM, MAX_BPM = 40.0, 240.0  # beats a minute
DRUM_WEIGHTS = np.array([0.5, 0.5, 0.2, 1.0, 0.7])
"""Weights of the onset signals for a second set of sequences, which follow the drums."""
MIN_BEATS = 4


@dataclass(frozen=True)
class Pulse:
    """``times`` of the beats in seconds, empty without a beat; ``bpm`` is their median rate."""

    times: Floats
    bpm: float


def track(features: Features, rise: Rises) -> Pulse:
    """The beats of a song with these rises."""
    signals = onset_signals(features, rise)
    options = candidates(rise, signals)
    if not options:
        return Pulse(np.zeros(0), 0.0)
    best = max(options, key=lambda frames: sequence_score(signals, frames))
    total = whiten(rise.all)
    times = np.unique(seconds(np.array([_sharpen(total, frame) for frame in best.tolist()])))
    return Pulse(times, 60 / float(np.median(np.diff(times))))


def candidates(rise: Rises, signals: Floats) -> list[Frames]:
    """Candidate beat sequences from ``onset_signals``; none where nothing repeats."""
    period = pulse(rise)
    if period is None:
        return []
    bpm = 60 * PER_SECOND / float(np.median(period))
    factors = [factor for factor in FACTORS if MIN_BPM <= bpm / factor <= MAX_BPM]
    sequences = beat_sequences(np.stack([whiten(rise.all), DRUM_WEIGHTS @ signals]), period, factors)
    return [each for frames in sequences if len(frames) > MIN_BEATS for each in (frames, _half_beat_later(frames))]


def _half_beat_later(frames: Frames) -> Frames:
    """The sequence half a beat later: off-beats are often the loudest."""
    return (frames[1:] + frames[:-1]) // 2


def _sharpen(total: Floats, frame: int) -> float:
    """The frame of the strongest onset within a 40th of a second of a beat; without one, the beat itself."""
    first = max(frame - 2, 0)
    top = first + int(total[first : frame + 3].argmax())
    return refine_peak(total, top) if total[top] > 0.5 else float(frame)


TIGHTNESS = 400.0  # weight of regular distances against strong onsets
PERIODS_PER_OCTAVE = 48
NEVER = -1e30
BLOCK_FRAMES = 4096


def beat_sequences(onsets: Floats, period: Floats, factors: list[float]) -> list[Frames]:
    """The frames of the beats for every row of ``onsets`` ``(S, N)`` and every factor of ``period`` ``(N,)``.

    By dynamic programming (Ellis 2007): beats lie on strong onsets, at distances near ``factor * period`` frames, which
    are 2 or more. Rows change slowest.
    """
    rows, count = len(onsets) * len(factors), onsets.shape[1]
    numbers = np.round(PERIODS_PER_OCTAVE * np.log2(np.outer(factors, period))).astype(np.int16)
    numbers = np.maximum(numbers, PERIODS_PER_OCTAVE)
    least = int(numbers.min())
    costs = _costs(least, int(numbers.max()))
    reach = costs.shape[1]
    numbers = np.tile(numbers - least, (len(onsets), 1))
    row, back = np.arange(rows), np.zeros((rows, count), np.int16)
    source = np.repeat(np.arange(len(onsets)), len(factors))
    score = np.full((rows, reach + BLOCK_FRAMES), NEVER)  # of the last frames only: two hours would be 100 MB
    for frame in range(count):
        here = frame % BLOCK_FRAMES
        if frame and not here:
            score[:, :reach] = score[:, BLOCK_FRAMES:].copy()
        options = score[:, here : here + reach] + costs[numbers[:, frame]]
        choice = options.argmax(axis=1)
        best = options[row, choice]
        back[:, frame] = np.where(best > 0, reach - choice, 0)
        score[:, reach + here] = onsets[source, frame] + np.maximum(best, 0)
    end = (count - 1) % BLOCK_FRAMES + 1 + reach
    tail = end - np.round(np.tile(factors, len(onsets)) * period[-1]).astype(int)
    lasts = [first + int(score[n, first:end].argmax()) for n, first in enumerate(tail)]
    offset = count - end
    return [_backtrack(back[n], max(last + offset, 0)) for n, last in enumerate(lasts)]


def _costs(first: int, last: int) -> NDArray[np.float32]:
    """``(last - first + 1, reach)``: the cost of a distance of ``reach`` … 1 frames for each period."""
    periods = 2.0 ** (np.arange(first, last + 1) / PERIODS_PER_OCTAVE)[:, None]
    gaps = np.arange(int(np.ceil(2 * periods.max())), 0, -1)[None]
    costs = -TIGHTNESS * np.log(gaps / periods) ** 2
    costs[(gaps < periods / 2) | (gaps > 2 * periods)] = NEVER
    return costs.astype(np.float32)


def _backtrack(back: NDArray[np.int16], last: int) -> Frames:
    """The sequence that ends at frame ``last``, in order."""
    frames = [last]
    while step := int(back[frames[-1]]):
        frames.append(frames[-1] - step)
    return np.array(frames[::-1], np.int64)
