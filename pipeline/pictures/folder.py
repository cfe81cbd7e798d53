"""The pictures of a folder, to learn from: folders in it are classes."""

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from pipeline.config.limits import LimitsConfig
from pipeline.errors import ConfigError, InputError
from pipeline.media.decode.image_file import load_still
from pipeline.media.decode.image_sequence import SUFFIXES
from pipeline.plan.input_files import check_picture

log = logging.getLogger(__name__)

MIN_PICTURES = 16
MAX_BYTES = 4e9
HELD_OUT = 10
"""Every tenth picture of a class is held out."""


@dataclass(frozen=True)
class Pictures:
    """Pictures ``(n, 3, size, size)`` as bytes with class indices ``(n,)`` and the names of the classes."""

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    source: str

    def split(self) -> tuple["Pictures", "Pictures"]:
        """Those to learn from, and those held out to measure on."""
        order = torch.zeros(len(self.labels), dtype=torch.long)
        for label in range(len(self.classes)):
            own = self.labels == label
            order[own] = torch.arange(int(own.sum()))
        held = order % HELD_OUT == HELD_OUT // 2
        return self._part(~held), self._part(held)

    def _part(self, mask: Tensor) -> "Pictures":
        return Pictures(self.images[mask], self.labels[mask], self.classes, self.source)

    def sha256(self) -> str:
        """Hash of pixels, labels and names."""
        digest = hashlib.sha256(repr((self.classes, self.images.shape)).encode())
        digest.update(self.images.numpy().tobytes())
        digest.update(self.labels.numpy().tobytes())
        return digest.hexdigest()


def read_folder(folder: Path, size: int, limits: LimitsConfig) -> Pictures:
    """The pictures of a folder, cropped to squares; folders in it are classes. Damaged ones are left out with a note.

    Raises InputError for no folder and for fewer than ``MIN_PICTURES``.
    """
    if not folder.is_dir():
        raise InputError(f"pictures={folder}: there is no such folder")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise InputError(f"pictures={folder}: the folder cannot be read: permission denied")
    groups = {path.name: _files(path) for path in sorted(folder.iterdir()) if path.is_dir() and path.name[0] != "."}
    groups = {name: files for name, files in groups.items() if files}
    loose = _files(folder)
    if groups and loose:
        log.info(f"pictures={folder}: {len(loose)} pictures in no class are left out; folders are classes")
    groups = groups or {folder.resolve().name or "pictures": loose}
    bytes_needed = sum(map(len, groups.values())) * 3 * size * size
    if bytes_needed > MAX_BYTES:
        allowed = f"its pictures need {bytes_needed / 1e9:.1f} GB at this size; allowed are {MAX_BYTES / 1e9:g} GB"
        raise ConfigError("size", size, allowed)
    images: list[Tensor] = []
    labels: list[int] = []
    names: list[str] = []
    for name, files in groups.items():
        read = [picture for file in files if (picture := _read(file, size, limits)) is not None]
        if read:
            labels += [len(names)] * len(read)
            names.append(name)
            images += read
    if len(images) < MIN_PICTURES:
        raise InputError(f"pictures={folder}: it holds {len(images)} pictures; a model needs {MIN_PICTURES} and more")
    return Pictures(torch.stack(images), torch.tensor(labels), tuple(names), str(folder))


def _files(folder: Path) -> list[Path]:
    files = (path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.name[0] != ".")
    return sorted(path for path in files if path.is_file())


def _read(file: Path, size: int, limits: LimitsConfig) -> Tensor | None:
    """Bytes ``(3, size, size)``; None, with a note, for a picture that cannot be read."""
    try:
        check_picture("pictures", str(file), file, limits)
        return (load_still(file, width=size, height=size)[0] * 255 + 0.5).to(torch.uint8)
    except InputError as error:
        log.info(f"left out: {error}")
        return None
