"""The raw frames of the open segment on disk, so that a stop in its middle loses none of them."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from pipeline.errors import OutputError
from pipeline.runtime.files import write_json
from pipeline.segments import checkpoint
from pipeline.segments.checkpoint import Position
from pipeline.segments.layout import Layout

CueDigest = Callable[[int, int], str]
"""(first frame, count of frames) → SHA-256 of the score in them."""


class Spool:
    """A file of raw frames of equal size; ``frames`` counts them, ``sha256`` covers all of them.

    Best effort: on a full disk ``is_whole`` becomes false and the file goes.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._digest = path, hashlib.sha256()
        self.frames, self.is_whole = 0, True
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from error

    def add(self, frame: bytes) -> None:
        """Append one frame."""
        self._digest.update(frame)
        self.frames += 1
        if not self.is_whole:
            return
        try:
            self._file.write(frame)
        except OSError:
            self.remove()  # the encoder needs the remaining space
            self.is_whole = False

    def close(self) -> None:
        """Finish the file. May be repeated."""
        try:
            self._file.close()
        except OSError:
            self.is_whole = False

    @property
    def sha256(self) -> str:
        """Of all frames, in hexadecimal."""
        return self._digest.hexdigest()

    def remove(self) -> None:
        """Close and delete the file."""
        self.close()
        with suppress(OSError):
            self.path.unlink()


@dataclass(frozen=True)
class SpoolFolder:
    """The open segment of a shot in ``folder``: ``open.json``, a spool and the canvas of its last frame.

    ``spec`` is the fingerprint of the shot, ``cues`` that of its score.
    """

    folder: Path
    layout: Layout
    spec: str
    cues: CueDigest

    def new(self, number: int) -> Spool:
        """A new spool for segment ``number``; that of an earlier stop stays until ``keep`` replaces it."""
        name = f"open-{number:05}.raw"
        return Spool(self.folder / (f"open-{number:05}-again.raw" if self._read().get("spool") == name else name))

    def keep(self, number: int, spool: Spool, canvas: Tensor, state: Mapping[str, str]) -> bool:
        """Keep the spooled frames and the canvas after them; False when the disk is full."""
        spool.close()
        if not spool.is_whole or not spool.frames:
            spool.remove()
            return False
        first = self.layout.first(number)
        try:
            sha256 = checkpoint.save(spool.path.with_suffix(".safetensors"), canvas, state)
            content = {
                "segment": number,
                "frames": spool.frames,
                "spool": spool.path.name,
                "sha256": spool.sha256,
                "checkpoint_sha256": sha256,
                "first": first,
                "spec": self.spec,
                "cues": self.cues(first, spool.frames),
            }
            write_json(self.folder / "open.json", content)
        except OutputError:
            return False
        return True

    def load(self, number: int) -> Position | None:
        """Where an earlier run stopped within segment ``number``; None if there is no intact spool of it."""
        content = self._read()
        frames, name = content.get("frames"), str(content.get("spool"))
        if content.get("segment") != number or not isinstance(frames, int) or Path(name).name != name:
            return None
        first = self.layout.first(number)
        is_same = content.get("spec") == self.spec and content.get("cues") == self.cues(first, frames)
        if content.get("first", first) != first or not is_same:
            return None
        path = self.folder / name
        raw_frames = read_spool(path, frames, str(content.get("sha256")))
        saved = checkpoint.load(path.with_suffix(".safetensors"), str(content.get("checkpoint_sha256")))
        if raw_frames is None or saved is None:
            return None
        return Position(first + frames, *saved, raw_frames, frames)

    def drop(self, number: int) -> None:
        """Delete the spools of segment ``number``: it is finished."""
        with suppress(OSError):
            if self._read().get("segment") == number:
                (self.folder / "open.json").unlink()
            for path in self.folder.glob(f"open-{number:05}*"):
                path.unlink()

    def _read(self) -> dict[str, object]:
        try:
            content = json.loads((self.folder / "open.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def read_spool(path: Path, frames: int, sha256: str) -> Iterator[bytes] | None:
    """The ``frames`` frames of a finished spool; None when it is missing or not the one that was written."""
    if not checkpoint.is_intact(path, sha256):
        return None
    size = path.stat().st_size
    return _blocks(path, size // frames) if frames > 0 and size % frames == 0 else None


def _blocks(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(size):
            yield block
