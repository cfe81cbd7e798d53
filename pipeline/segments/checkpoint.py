"""The canvas between two segments, on disk: float32 safetensors, known by its SHA-256, never unpickled."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pipeline.errors import OutputError
from pipeline.runtime.files import atomic_write, sha256_of


def save(path: Path, canvas: Tensor, notes: Mapping[str, str] | None = None) -> str:
    """Write the canvas ``(1, 3, h, w)`` with ``notes``, whole or not at all; the file's SHA-256.

    Raises OutputError.
    """
    try:
        with atomic_write(path) as part:
            save_file({"canvas": canvas.detach().float().cpu().contiguous()}, part, {"format": "pt", **(notes or {})})
            return sha256_of(part)
    except SafetensorError as error:  # such as a full disk
        raise OutputError(f"{path} cannot be written: {error}") from error


def load(path: Path, sha256: str) -> tuple[Tensor, dict[str, str]] | None:
    """The canvas on the CPU and its notes; None when the file is missing or not the one that was written."""
    if not intact(path, sha256):
        return None
    try:
        with safe_open(path, framework="pt") as file:
            return file.get_tensor("canvas"), dict(file.metadata() or {})
    except (OSError, SafetensorError):
        return None


def intact(path: Path, sha256: str) -> bool:
    """Whether the file is there, bit for bit."""
    try:
        return sha256_of(path) == sha256
    except OSError:
        return False
