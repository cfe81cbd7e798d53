"""Which of several chains of beats a listener would tap: what speaks for one, and how much it weighs.

Onsets speak for a chain on its beats and against it halfway, a third and a quarter between them; that beats two and
three or four later sound alike speaks for it, and that its tempo is usual. The weights are, to some tenths, those of a
logistic regression on drawn songs (``python -m scripts.fit_beat_weights``).
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.music.features import PER_SECOND, Features
from pipeline.music.onsets import Rises, around, strokes

Floats = NDArray[np.float64]
Frames = NDArray[np.int64]

REACH = 6.0  # seconds on either side against which onsets are strong or weak
FAINT_NOW, FAINT = 0.15, 0.1  # of the strongest signal's usual onset, at that time and ever, that still counts as one
NEAR = 2  # frames by which strokes miss their place
USUAL = 115.0  # beats a minute
PLACES = (0, 6, 4, 8, 3, 9)  # twelfths of a beat that are looked at
REPEATS = (1, 2, 3, 4)  # beats after which bars and their parts may repeat
WEIGHTS = np.array(
    [
        # low, mid and high rises, low and other strokes, that are
        *(2.0, 2.1, 2.0, 3.8, 0.6),  # on the beat,
        *(0.0, -0.3, 0.0, -1.6, 0.0),  # halfway,
        *(-0.4, -2.6, 0.0, -1.1, -0.6),  # at thirds,
        *(-1.6, -0.6, -0.8, -1.2, -1.6),  # at quarters
        # alike after two beats, after three or four, after one; octaves over the usual tempo, their square
        *(0.6, 4.6, 3.1, -0.1, -3.3),
    ]
)


def evidence(features: Features, rise: Rises) -> Floats:
    """``(5, N)``: rises of low, mid and high bands, low and other strokes; 1 is a usual onset of its time and kind."""
    groups = np.stack([rise.low, rise.mid, rise.high]), np.stack(strokes(features))
    return np.concatenate([_usual(group) for group in groups])


def _usual(group: Floats) -> Floats:
    """Signals over their local means, in units of what their onsets locally are."""
    reach = int(REACH * PER_SECOND)
    mean = np.stack([around(signal, reach) for signal in group])
    size = np.stack([around(signal**2, reach) for signal in group]) / np.maximum(mean, 1e-12)
    least = np.maximum(FAINT_NOW * size.max(axis=0), FAINT * float(size.max()) + 1e-12)
    usual: Floats = np.maximum(0, group - mean) / np.maximum(size, least)
    return usual


def fitness(clear: Floats, frames: Frames) -> float:
    """How much more a listener would tap this chain than another; ``clear`` is the song's evidence."""
    return float(traits(clear, frames) @ WEIGHTS)


def traits(clear: Floats, frames: Frames) -> Floats:
    """What speaks for the chain ``frames`` and against it, in the order of ``WEIGHTS``."""
    exact = frames[:-1, None] + np.diff(frames)[:, None] * (np.array(PLACES) / 12)
    near = np.round(exact).astype(np.int64)[..., None] + np.arange(-NEAR, NEAR + 1)
    at = np.stack([signal[near.clip(0, clear.shape[1] - 1)].max(axis=-1) for signal in clear])
    beat, half, *rest = at.mean(axis=1).T
    alike = _alike(np.concatenate([at[:, :, 0], 0.7 * at[:, :, 1]]))
    level = np.log2(60 * PER_SECOND / float(np.median(np.diff(frames))) / USUAL)
    return np.concatenate(
        [
            *(beat, half, (rest[0] + rest[1]) / 2, (rest[2] + rest[3]) / 2),
            [alike[1], max(alike[2:]), alike[0], level, level**2],
        ]
    )


def _alike(sounds: Floats) -> list[float]:
    """How much the columns vary as those some columns later do, in -1..1; 0 where there are too few to tell."""
    sounds = sounds - sounds.mean(axis=1, keepdims=True)
    count, power = sounds.shape[1], float((sounds**2).mean()) + 1e-12
    pairs = [(sounds[:, n:], sounds[:, : count - n]) if count >= 2 * n else None for n in REPEATS]
    return [float((pair[0] * pair[1]).mean()) / power if pair else 0.0 for pair in pairs]
