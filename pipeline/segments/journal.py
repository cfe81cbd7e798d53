"""The journal of a shot: one line of JSON for each segment that is finished, on disk before the next one is."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pipeline.errors import OutputError


@dataclass(frozen=True)
class Entry:
    """One finished segment: ``frames`` frames from number ``first`` on, files by name with their SHA-256.

    ``spec`` is the digest of what they were rendered for, ``cues`` that of the score in these frames, ``seconds`` the
    wall time they took.
    """

    segment: int
    first: int
    frames: int
    file: str
    sha256: str
    checkpoint: str
    checkpoint_sha256: str
    spec: str
    cues: str
    seconds: float


def read(path: Path) -> dict[int, Entry]:
    """The entries by their first frame, the latest of each. Lines that make no sense are passed over: what they
    told of counts as not rendered.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise OutputError(f"{path} cannot be read: {error.strerror}") from error
    found = {}
    for line in lines:
        entry = _parse(line)
        if entry is not None:
            found[entry.first] = entry
    return found


def append(path: Path, entry: Entry) -> None:
    """Add one line and wait until it is on disk. Raises OutputError."""
    data = asdict(entry)
    line = json.dumps({**data, "line": _digest(data)}).encode() + b"\n"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":  # a line torn by a crash
                line = b"\n" + line
            if os.write(handle, line) != len(line):
                raise OutputError(f"{path} cannot be written: there is no space left")
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error


def _digest(data: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _parse(line: bytes) -> Entry | None:
    try:
        data = json.loads(line)
    except ValueError:
        return None
    if not isinstance(data, dict) or data.pop("line", None) != _digest(data):  # a bit may have flipped
        return None
    kinds = {item.name: item.type for item in fields(Entry)}
    if data.keys() != kinds.keys():
        return None
    for name, kind in kinds.items():
        wanted = int | float if kind is float else kind
        if not isinstance(data[name], wanted) or isinstance(data[name], bool):  # type: ignore[arg-type]
            return None
    plain = all(Path(data[name]).name == data[name] for name in ("file", "checkpoint"))
    return Entry(**data) if plain and min(data["segment"], data["first"]) >= 0 else None
