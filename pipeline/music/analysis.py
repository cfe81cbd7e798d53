"""Beats, bars, onsets, levels and sections of a song, from its features."""

import numpy as np

from pipeline.music.beats import track
from pipeline.music.features import Features
from pipeline.music.hearing import Hearing
from pipeline.music.onsets import QUIETEST, peaks, rises
from pipeline.music.structure import accents, sections


def describe(features: Features, damage: str = "") -> Hearing:
    """What the features of a whole song say."""
    rise = rises(features)
    beats = track(features, rise).times
    starts, kinds = sections(features, beats)
    return Hearing(
        seconds=features.seconds,
        levels=_levels(features),
        beats=beats,
        accents=accents(features, rise, beats),
        onsets=np.stack(peaks(rise.all)),
        onsets_bass=np.stack(peaks(rise.low)),
        onsets_mid=np.stack(peaks(rise.mid)),
        onsets_treble=np.stack(peaks(rise.high)),
        sections=starts,
        kinds=kinds,
        damage=damage,
    )


def _levels(features: Features) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Each level over what only a fiftieth of the song exceeds, at most 1; silence stays silent."""
    rows = []
    for level in (features.bass, features.mid, features.treble, features.loud):
        full = float(np.quantile(level, 0.98))
        rows.append(np.minimum(1, level / full) if full**2 > QUIETEST else np.zeros_like(level))
    return np.stack(rows).astype(np.float32)
