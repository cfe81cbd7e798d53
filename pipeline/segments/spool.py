"""The frames of the open segment, as the encoder got them, so that a stop in its middle loses none of them."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pipeline.errors import OutputError


class Spool:
    """A file of raw frames, all of one size; ``frames`` counts them, ``sha256`` is of all of them.

    Best effort: a disk that takes no more only means that ``whole`` becomes false.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._digest = path, hashlib.sha256()
        self.frames, self.whole = 0, True
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from error

    def add(self, frame: bytes) -> None:
        """Keep one frame."""
        self._digest.update(frame)
        self.frames += 1
        if not self.whole:
            return
        try:
            self._file.write(frame)
        except OSError:
            self.remove()  # the encoder needs what room is left
            self.whole = False

    def close(self) -> None:
        """Finish the file. May be repeated."""
        try:
            self._file.close()
        except OSError:
            self.whole = False

    @property
    def sha256(self) -> str:
        """Of all frames, in hexadecimal."""
        return self._digest.hexdigest()

    def remove(self) -> None:
        """Close and delete it."""
        self.close()
        with suppress(OSError):
            self.path.unlink()


def replay(path: Path, frames: int, sha256: str) -> Iterator[bytes] | None:
    """The ``frames`` frames of a finished spool; None when it is missing or not the one that was written."""
    try:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                return None
        size = path.stat().st_size
    except OSError:
        return None
    if frames < 1 or size % frames:
        return None
    return _pieces(path, size // frames)


def _pieces(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(size):
            yield piece
