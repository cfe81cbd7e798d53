"""Beats: chains at every multiple of the pulse that could be the beat, and of these the one a listener would tap."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.music.chains import chains
from pipeline.music.choice import evidence, fitness
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
