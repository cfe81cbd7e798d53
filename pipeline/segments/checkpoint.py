"""The canvas between two segments on disk: float32 safetensors, identified by its SHA-256, never unpickled."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pipeline.errors import OutputError
from pipeline.runtime.files import atomic_write, sha256_of


@dataclass(frozen=True)
class Position:
    """Where a render resumes: ``canvas`` is that of frame ``first - 1``, None before frame 0.

    ``raw_frames`` are frames of the open segment that only need encoding again. ``state`` is the dreamer's.
    A chunk of footage is dreamed from frame ``pre_roll`` on, without a canvas.
    """

    first: int = 0
    canvas: Tensor | None = None
    state: Mapping[str, str] = field(default_factory=dict)
    raw_frames: Iterator[bytes] | None = None
    raw_count: int = 0
    pre_roll: int | None = None

    @property
    def dreams_from(self) -> int:
        """The frame that is dreamed first, whether it is stored or not."""
        return self.first if self.pre_roll is None else self.pre_roll


def save(path: Path, canvas: Tensor, state: Mapping[str, str] | None = None) -> str:
    """Write the canvas ``(1, 3, h, w)`` and the dreamer's ``state`` atomically; the file's SHA-256.

    Raises OutputError.
    """
    try:
        with atomic_write(path) as part:
            save_file({"canvas": canvas.detach().float().cpu().contiguous()}, part, {"format": "pt", **(state or {})})
            return sha256_of(part)
    except SafetensorError as error:  # such as a full disk
        raise OutputError(f"{path} cannot be written: {error}") from error


def load(path: Path, sha256: str) -> tuple[Tensor, dict[str, str]] | None:
    """(canvas on the CPU, state); None when the file is missing or not the one that was written."""
    if not is_intact(path, sha256):
        return None
    try:
        with safe_open(path, framework="pt") as file:
            return file.get_tensor("canvas"), dict(file.metadata() or {})
    except (OSError, SafetensorError):
        return None


def is_intact(path: Path, sha256: str) -> bool:
    """Whether the file has this SHA-256."""
    try:
        return sha256_of(path) == sha256
    except OSError:
        return False
