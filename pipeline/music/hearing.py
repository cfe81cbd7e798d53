"""What was heard in a song, as figures that can be kept in a file."""

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
from numpy.typing import NDArray

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
    """The hearing in the file; None where there is none, or not just as it was written."""
    try:
        with path.open("rb") as content, np.load(content, allow_pickle=False) as file:
            found = {name: np.asarray(file[name]) for name in file.files}
        said = bytes(found.pop("digest"))
        if said != _digest(found) or found.keys() != {item.name for item in fields(Hearing)}:
            return None
        made = {"seconds": float(found.pop("seconds")), "damage": str(found.pop("damage"))}
        return Hearing(**made, **found)  # type: ignore[arg-type]  # the digest has vouched for the arrays
    except Exception:  # numpy names no kinds: whatever is wrong with a cache, it is heard anew
        return None


def write(path: Path, hearing: Hearing) -> None:
    """Whole or not at all; a cache that cannot be written is no reason to stop."""
    arrays = {item.name: np.asarray(getattr(hearing, item.name)) for item in fields(Hearing)}
    digest = np.frombuffer(_digest(arrays), np.uint8)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as part:
            np.savez_compressed(part, digest=digest, **arrays)  # type: ignore[arg-type]
        Path(part.name).replace(path)
    except OSError:
        return


def _digest(arrays: dict[str, NDArray[np.generic]]) -> bytes:
    """SHA-256 of names, kinds, shapes and contents."""
    sum_ = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        sum_.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        sum_.update(array.tobytes())
    return sum_.digest()
