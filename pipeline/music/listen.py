"""Listening to a song once: decode, hear, keep what was heard in the user's cache folder."""

import hashlib
from pathlib import Path

import numpy as np

from pipeline.cache import cache_folder
from pipeline.errors import InputError
from pipeline.music import hearing
from pipeline.music.bars import accents, sections
from pipeline.music.beats import track
from pipeline.music.decode import Decoder, check_song
from pipeline.music.end import missing
from pipeline.music.features import Features, extract
from pipeline.music.hearing import Hearing
from pipeline.music.onsets import QUIETEST, peaks, rises
from pipeline.progress import say

VERSION = 3  # of how songs are heard: another one, another file
LONGEST = 4 * 3600.0  # seconds
LONG = 600.0  # seconds of song from which on a person is told to wait


def hear(path: Path, key: str = "audio.path") -> Hearing:
    """What is heard in the song at ``path``, named by the setting ``key``: from the cache, or now.

    Raises InputError when it is not there or holds no sound.
    """
    check_song(path, key)
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{key}={path}: it cannot be read: {error.strerror}") from error
    kept = cache_folder("music") / f"{sha256[:32]}.v{VERSION}.npz"
    known = hearing.read(kept)
    if known is None:
        say(f"note: listening to {path.name}; this is done once")
        known = analyse(path)
        hearing.write(kept, known)
    return known


def analyse(path: Path) -> Hearing:
    """What is heard in the song at ``path``, found out now. Raises InputError."""
    decoder = Decoder(path)
    features = extract(decoder.blocks())
    if features.seconds > LONGEST:
        raise InputError(f"{path} lasts {features.seconds / 3600:.1f} hours; allowed are {LONGEST / 3600:g}")
    return describe(features, decoder.damage or missing(path))


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
