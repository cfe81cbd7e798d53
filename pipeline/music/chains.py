"""Chains of beats: for each of several periods, the frames that fit period and onsets best.

By dynamic programming (Ellis, *Beat Tracking by Dynamic Programming*, 2007), for all periods in one run over the song.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Frames = NDArray[np.int64]

TIGHT = 400.0  # how much a beat's distance counts against its onset
PER_OCTAVE = 48  # periods that are told apart
NEVER = -1e30
BLOCK = 4096  # frames


def chains(onsets: Floats, period: Floats, factors: list[float]) -> list[Frames]:
    """The frames of the beats for every row of ``onsets`` ``(S, N)`` and every factor of ``period`` ``(N,)``.

    Rows change slowest. Beats lie on strong onsets, at distances near ``factor * period`` frames; those are 2 or more.
    """
    rows, count = len(onsets) * len(factors), onsets.shape[1]
    numbers = np.round(PER_OCTAVE * np.log2(np.outer(factors, period))).astype(np.int16)
    numbers = np.maximum(numbers, PER_OCTAVE)
    least = int(numbers.min())
    costs = _costs(least, int(numbers.max()))
    reach = costs.shape[1]
    numbers = np.tile(numbers - least, (len(onsets), 1))
    row, back = np.arange(rows), np.zeros((rows, count), np.int16)
    source = np.repeat(np.arange(len(onsets)), len(factors))
    score = np.full((rows, reach + BLOCK), NEVER)  # of the last frames only, else two hours would be 100 MB
    for frame in range(count):
        here = frame % BLOCK
        if frame and not here:
            score[:, :reach] = score[:, BLOCK:].copy()
        chained = score[:, here : here + reach] + costs[numbers[:, frame]]
        choice = chained.argmax(axis=1)
        best = chained[row, choice]
        back[:, frame] = np.where(best > 0, reach - choice, 0)
        score[:, reach + here] = onsets[source, frame] + np.maximum(best, 0)
    tail = (count - 1) % BLOCK + 1 + reach - np.round(np.tile(factors, len(onsets)) * period[-1]).astype(int)
    lasts = [first + int(score[n, first : (count - 1) % BLOCK + 1 + reach].argmax()) for n, first in enumerate(tail)]
    offset = count - ((count - 1) % BLOCK + 1) - reach
    return [_walk(back[n], max(last + offset, 0)) for n, last in enumerate(lasts)]


def _costs(first: int, last: int) -> NDArray[np.float32]:
    """``(last - first + 1, reach)``: what a distance of ``reach`` … 1 frames costs with each period."""
    periods = 2.0 ** (np.arange(first, last + 1) / PER_OCTAVE)[:, None]
    gaps = np.arange(int(np.ceil(2 * periods.max())), 0, -1)[None]
    costs = -TIGHT * np.log(gaps / periods) ** 2
    costs[(gaps < periods / 2) | (gaps > 2 * periods)] = NEVER
    return costs.astype(np.float32)


def _walk(back: NDArray[np.int16], last: int) -> Frames:
    """The chain that ends at frame ``last``, in order."""
    frames = [last]
    while step := int(back[frames[-1]]):
        frames.append(frames[-1] - step)
    return np.array(frames[::-1], np.int64)
