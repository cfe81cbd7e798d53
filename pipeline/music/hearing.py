"""What was heard in a song, as figures that can be kept in a file."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.runtime.cache import load_arrays, save_arrays

Floats = NDArray[np.float64]

BANDS = ("bass", "mid", "treble")
LEVELS = (*BANDS, "loud")


@dataclass(frozen=True)
class Hearing:
    """``seconds`` of a song, from second 0 of its file's clock on.

    ``levels`` ``(4, N)`` are bass, mid, treble and loudness in 0..1 (1 is what only a fiftieth of the song exceeds),
    ``PER_SECOND`` of them a second. ``beats`` are seconds, none where no beat was heard, each with its accent.
    ``onsets`` ``(2, M)`` are (seconds, strengths in 0..1) of everything that begins, and so for each band.
    ``sections`` are the seconds at which sections begin, ``kinds`` say which of them are alike. ``damage`` is what
    ffmpeg complained of, or what the file lacks of what it says to have.
    """

    seconds: float
    levels: NDArray[np.float32]
    beats: Floats
    accents: Floats
    onsets: Floats
    onsets_bass: Floats
    onsets_mid: Floats
    onsets_treble: Floats
    sections: Floats
    kinds: NDArray[np.int64]
    damage: str

    @property
    def bpm(self) -> float | None:
        """The usual rate of the beats, None where none was heard."""
        return 60 / float(np.median(np.diff(self.beats))) if len(self.beats) > 2 else None


def read(path: Path) -> Hearing | None:
    """The hearing in the file; None when it is missing or damaged."""
    arrays = load_arrays(path)
    if arrays is None or arrays.keys() != {item.name for item in fields(Hearing)}:
        return None
    scalars = {"seconds": float(arrays.pop("seconds")), "damage": str(arrays.pop("damage"))}
    return Hearing(**scalars, **arrays)  # type: ignore[arg-type]


def write(path: Path, hearing: Hearing) -> None:
    """Write it to the cache."""
    save_arrays(path, **{item.name: getattr(hearing, item.name) for item in fields(Hearing)})
