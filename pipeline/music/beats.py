"""Beat tracking: the best beat sequence along each tempo curve, and of these the one with the best score."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.music.beat_scoring import onset_signals
from pipeline.music.beat_scoring import score as sequence_score
from pipeline.music.features import PER_SECOND, Features
from pipeline.music.onsets import Rises, beat_onsets, refine_peak, seconds
from pipeline.music.tempo import periods

Floats = NDArray[np.float64]
Frames = NDArray[np.int64]

MIN_BEATS = 4
TIGHTNESS = 800.0  # weight of regular distances against strong onsets
PERIODS_PER_OCTAVE = 48
NEVER = -1e30
CLOSE = 1.5  # scores that tell no sequence from another, of one beat; the more beats, the surer is the score
ALIKE, DOUBLE_COST = 1.25, 1.5  # of a sequence and its off-beats; by which one that is twice as fast may be worse
SAME_OCTAVES = 0.06  # by which tempi of the same sequence differ
COMMON_BPM = 120.0  # librosa's, with a deviation of one octave


def track(features: Features, rise: Rises) -> Floats:
    """The seconds of the beats of a song with these rises; empty without a beat."""
    onsets = beat_onsets(features, rise)
    curves = periods(onsets)
    sequences = [frames for frames in beat_sequences(onsets, np.array(curves)) if len(frames) > MIN_BEATS]
    if not sequences:
        return np.zeros(0)
    # Half a beat later as well: off-beats are often the loudest.
    options = [each for frames in sequences for each in (frames, (frames[1:] + frames[:-1]) // 2)]
    signals = onset_signals(features, rise)
    best = options[_choose(options, onsets, [sequence_score(signals, frames) for frames in options])]
    times: Floats = np.unique(seconds(np.array([_sharpen(onsets, frame) for frame in best.tolist()])))
    return times


def _choose(options: Sequence[Frames], onsets: Floats, scores: Sequence[float]) -> int:
    """The number of the best sequence; each odd one lies half a beat after the one before.

    Between scores that are about the same librosa's criteria decide: strong onsets on the beats, at a usual tempo.
    Where a sequence scores about as well half a beat later, every half beat is a beat.
    """
    tempi = np.array([60 * PER_SECOND / np.median(np.diff(frames)) for frames in options])
    strengths = [onsets[frames].mean() for frames in options] * np.exp(-(np.log2(tempi / COMMON_BPM) ** 2) / 2)
    close = max(scores) - CLOSE / len(options[int(np.argmax(scores))]) ** 0.5
    best = max(range(len(options)), key=lambda n: (scores[n] >= close, strengths[n]))
    if abs(scores[best] - scores[best ^ 1]) < ALIKE:
        twice = np.abs(np.log2(tempi / tempi[best]) - 1) < SAME_OCTAVES
        faster = [n for n in np.flatnonzero(twice).tolist() if scores[n] > scores[best] - DOUBLE_COST]
        best = max(faster, key=lambda n: scores[n], default=best)
    return best


def _sharpen(onsets: Floats, frame: int) -> float:
    """The frame of the strongest onset within a 40th of a second of a beat; without one, the beat itself."""
    first = max(frame - 2, 0)
    top = first + int(onsets[first : frame + 3].argmax())
    return refine_peak(onsets, top) if onsets[top] > 0.5 else float(frame)


def beat_sequences(onsets: Floats, curves: Floats) -> list[Frames]:
    """The frames of the beats along every curve ``(K, N)`` of periods, which are 2 frames or more.

    By dynamic programming (Ellis 2007): beats lie on strong ``onsets`` ``(N,)``, at distances near the period.
    """
    if not len(curves):
        return []
    numbers = np.maximum(np.round(PERIODS_PER_OCTAVE * np.log2(curves)).astype(np.int16), PERIODS_PER_OCTAVE)
    least = int(numbers.min())
    costs = _costs(least, int(numbers.max()))
    (rows, count), reach = curves.shape, costs.shape[1]
    numbers -= least
    row, back = np.arange(rows), np.zeros((rows, count), np.int16)
    score = np.full((rows, reach + count), NEVER)
    for frame in range(count):
        options = score[:, frame : frame + reach] + costs[numbers[:, frame]]
        choice = options.argmax(axis=1)
        best = options[row, choice]
        back[:, frame] = np.where(best > 0, reach - choice, 0)
        score[:, reach + frame] = onsets[frame] + np.maximum(best, 0)
    tails = np.maximum(0, count - np.round(curves[:, -1]).astype(int)).tolist()
    return [_backtrack(back[n], tail + int(score[n, reach + tail :].argmax())) for n, tail in enumerate(tails)]


def _costs(first: int, last: int) -> NDArray[np.float32]:
    """``(last - first + 1, reach)``: the cost of a distance of ``reach`` … 1 frames for each period."""
    lengths = 2.0 ** (np.arange(first, last + 1) / PERIODS_PER_OCTAVE)[:, None]
    gaps = np.arange(int(np.ceil(2 * lengths.max())), 0, -1)[None]
    costs = -TIGHTNESS * np.log(gaps / lengths) ** 2
    costs[(gaps < lengths / 2) | (gaps > 2 * lengths)] = NEVER
    return costs.astype(np.float32)


def _backtrack(back: NDArray[np.int16], last: int) -> Frames:
    """The sequence that ends at frame ``last``, in order."""
    frames = [last]
    while step := int(back[frames[-1]]):
        frames.append(frames[-1] - step)
    return np.array(frames[::-1], np.int64)
