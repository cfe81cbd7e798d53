"""The journal of a shot: one line of JSON per finished segment, synced to disk before the next one is."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pipeline.errors import OutputError


@dataclass(frozen=True)
class Entry:
    """A finished segment: ``frames`` frames from frame ``first`` on, file names with their SHA-256.

    ``spec`` is the digest of the shot's fingerprint, ``cues`` that of the score in these frames; ``seconds`` is the
    wall time.
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
    """The latest entry of each first frame. Skips damaged lines: their segments count as missing."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise OutputError(f"{path} cannot be read: {error.strerror}") from error
    return {entry.first: entry for entry in map(_parse, lines) if entry is not None}


def append(path: Path, entry: Entry) -> None:
    """Append one line and sync it. Raises OutputError."""
    data = asdict(entry)
    line = json.dumps({**data, "line": _digest(data)}).encode() + b"\n"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":  # a crash cut the last line short
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
    if not isinstance(data, dict) or data.pop("line", None) != _digest(data):
        return None
    types = {item.name: item.type for item in fields(Entry)}
    if data.keys() != types.keys():
        return None
    for name, kind in types.items():
        allowed = int | float if kind is float else kind
        if not isinstance(data[name], allowed) or isinstance(data[name], bool):  # type: ignore[arg-type]
            return None
    is_plain = all(Path(data[name]).name == data[name] for name in ("file", "checkpoint"))
    return Entry(**data) if is_plain and min(data["segment"], data["first"]) >= 0 else None
