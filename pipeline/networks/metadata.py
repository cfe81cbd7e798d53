"""The text in the header of a safetensors file. No torch."""

import json
from pathlib import Path

MAX_HEADER_BYTES = 10_000_000


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of the safetensors file at ``path``, {} without any. Raises ValueError for another file, OSError."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= MAX_HEADER_BYTES:
            raise ValueError("no safetensors file")
        try:
            header = json.loads(file.read(length))
        except RecursionError as error:
            raise ValueError("no safetensors file") from error
    metadata = header.get("__metadata__", {}) if isinstance(header, dict) else None
    if not isinstance(metadata, dict):
        raise ValueError("no safetensors file")
    return {str(key): str(value) for key, value in metadata.items()}


def with_sorted_header(content: bytes) -> bytes:
    """The same safetensors file with its header in a fixed order; the library writes metadata in any order."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8:end]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[end:]
