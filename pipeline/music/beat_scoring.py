"""Scores candidate beat sequences: which one would a listener tap?

Onsets count for a sequence on its beats and against it halfway and at thirds between them; so do beats that sound
like those two and three or four beats later, and a common tempo. The weights are rounded from a logistic regression
on synthetic songs.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.music.features import PER_SECOND, Features
from pipeline.music.onsets import Rises, local_mean, strokes

Floats = NDArray[np.float64]
Frames = NDArray[np.int64]

LOCAL_SECONDS = 6.0  # on either side, whose mean onset is strength 1
MIN_LOCAL_ONSET, MIN_ONSET = 0.15, 0.1  # of the strongest signal's mean onset, at that time and overall
TOLERANCE_FRAMES = 2  # by which strokes are off the beat
COMMON_BPM = 115.0
SIXTHS = (0, 3, 2, 4)  # of a beat, where onsets are measured
REPEATS = (1, 2, 3, 4)  # beats after which bars and their parts may repeat
WEIGHTS = np.array(
    [
        # low, mid and high rises, low and other strokes
        *(2.0, 2.1, 2.0, 3.8, 0.6),  # on the beat,
        *(0.0, -0.3, 0.0, -1.6, 0.0),  # halfway,
        *(-0.4, -2.6, 0.0, -1.1, -0.6),  # at thirds
        # similarity after two beats, after three or four, after one; octaves above the common tempo, their square
        *(0.6, 4.6, 3.1, -0.1, -3.3),
    ]
)


def onset_signals(features: Features, rise: Rises) -> Floats:
    """``(5, N)``: rises of low, mid and high bands, low and other strokes; 1 is the local mean onset of its kind."""
    groups = np.stack([rise.low, rise.mid, rise.high]), np.stack(strokes(features))
    return np.concatenate([_normalise(group) for group in groups])


def _normalise(group: Floats) -> Floats:
    """Signals above their local means, in units of their local onsets."""
    reach = int(LOCAL_SECONDS * PER_SECOND)
    mean = np.stack([local_mean(signal, reach) for signal in group])
    size = np.stack([local_mean(signal**2, reach) for signal in group]) / np.maximum(mean, 1e-12)
    least = np.maximum(MIN_LOCAL_ONSET * size.max(axis=0), MIN_ONSET * float(size.max()) + 1e-12)
    strength: Floats = np.maximum(0, group - mean) / np.maximum(size, least)
    return strength


def score(signals: Floats, frames: Frames) -> float:
    """The score of a beat sequence ``frames``; ``signals`` is the song's ``onset_signals``."""
    exact = frames[:-1, None] + np.diff(frames)[:, None] * (np.array(SIXTHS) / 6)
    near = np.round(exact).astype(np.int64)[..., None] + np.arange(-TOLERANCE_FRAMES, TOLERANCE_FRAMES + 1)
    at = np.stack([signal[near.clip(0, signals.shape[1] - 1)].max(axis=-1) for signal in signals])
    beat, half, third, two_thirds = at.mean(axis=1).T
    one, two, *longer = _self_similarity(np.concatenate([at[:, :, 0], 0.7 * at[:, :, 1]]))
    level = np.log2(60 * PER_SECOND / float(np.median(np.diff(frames))) / COMMON_BPM)
    rest = [two, max(longer), one, level, level**2]
    return float(np.concatenate([beat, half, (third + two_thirds) / 2, rest]) @ WEIGHTS)


def _self_similarity(sounds: Floats) -> list[float]:
    """Correlation of the columns with those ``REPEATS`` columns later, -1..1; 0 where there are too few."""
    sounds = sounds - sounds.mean(axis=1, keepdims=True)
    count, power = sounds.shape[1], float((sounds**2).mean()) + 1e-12
    pairs = [(sounds[:, n:], sounds[:, : count - n]) if count >= 2 * n else None for n in REPEATS]
    return [float((pair[0] * pair[1]).mean()) / power if pair else 0.0 for pair in pairs]
