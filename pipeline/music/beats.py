"""Beats: chains at every multiple of the pulse that could be the beat, and of these the one a listener would tap."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.music.beat_scoring import evidence, fitness
from pipeline.music.features import PER_SECOND, Features
from pipeline.music.onsets import Rises, between, seconds
from pipeline.music.tempo import pulse, whiten

Floats = NDArray[np.float64]
Frames = NDArray[np.int64]
FACTORS = (1 / 4, 1 / 3, 3 / 8, 1 / 2, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 2, 8 / 3, 3, 4)
"""What the beat's period may be, in pulses."""
SLOWEST, FASTEST = 40.0, 240.0  # beats a minute
BODY = np.array([0.5, 0.5, 0.2, 1.0, 0.7])
"""How much each kind of evidence counts for a second sort of chains, which follow the drums."""
LEAST = 4  # beats that make a chain


@dataclass(frozen=True)
class Pulse:
    """``times`` of the beats in seconds, empty where no beat is heard; ``bpm`` is their usual rate."""

    times: Floats
    bpm: float


def track(features: Features, rise: Rises) -> Pulse:
    """The beats of a song with these onsets."""
    clear = evidence(features, rise)
    options = candidates(rise, clear)
    if not options:
        return Pulse(np.zeros(0), 0.0)
    best = max(options, key=lambda frames: fitness(clear, frames))
    total = whiten(rise.all)
    times = np.unique(seconds(np.array([_sharpen(total, frame) for frame in best.tolist()])))
    return Pulse(times, 60 / float(np.median(np.diff(times))))


def candidates(rise: Rises, clear: Floats) -> list[Frames]:
    """Chains that could be the beat, ``clear`` being the evidence; none where nothing repeats."""
    period = pulse(rise)
    if period is None:
        return []
    usual = 60 * PER_SECOND / float(np.median(period))
    factors = [factor for factor in FACTORS if SLOWEST <= usual / factor <= FASTEST]
    found = chains(np.stack([whiten(rise.all), BODY @ clear]), period, factors)
    return [each for frames in found if len(frames) > LEAST for each in (frames, _later(frames))]


def _later(frames: Frames) -> Frames:
    """The chain half a beat later: off-beats are often the loudest."""
    return (frames[1:] + frames[:-1]) // 2


def _sharpen(total: Floats, frame: int) -> float:
    """Where the onset at a beat is strongest, within a 40th of a second; where there is none, the beat itself."""
    first = max(frame - 2, 0)
    top = first + int(total[first : frame + 3].argmax())
    return between(total, top) if total[top] > 0.5 else float(frame)


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
