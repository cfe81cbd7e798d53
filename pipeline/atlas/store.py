"""Pictures that were drawn once are kept in the user's cache folder: by network, by settings, one file for each."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from pipeline.atlas.selection import Subject
from pipeline.runtime.cache import cache_folder

_PARTS = ("target", "layers", "channels", "weights")
VERSION = 2  # of how pictures are grown: another one, other files


@dataclass(frozen=True)
class Drawn:
    """A subject's ``pictures`` ``(n, side, side, 3)``, and ``traces`` ``(n, C)``: how strongly each channel of its
    layer answers to them (of a blend there are none: C is 0).
    """

    subject: Subject
    pictures: NDArray[np.uint8]
    traces: NDArray[np.float32]


class Store:
    """What was drawn with these weights (their SHA-256) and ``settings``, numbers and words that decide on pixels."""

    def __init__(self, network: str, sha256: str, settings: Mapping[str, Any]) -> None:
        written = json.dumps({"version": VERSION, **settings}, sort_keys=True)
        name = f"{network}-{sha256[:16]}-{hashlib.sha256(written.encode()).hexdigest()[:12]}"
        self.folder = cache_folder("atlas") / name

    def get(self, subject: Subject, shape: tuple[int, int, int]) -> Drawn | None:
        """The subject's pictures (``shape`` is n, side, C), or None when there are none or the file is damaged."""
        count, side, channels = shape
        try:
            with self._path(subject).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                pictures, traces = file["pictures"], file["traces"]
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return None
        fits = pictures.shape == (count, side, side, 3) and traces.shape == (count, channels)
        if not fits or pictures.dtype != np.uint8 or traces.dtype != np.float32 or not np.isfinite(traces).all():
            return None
        return Drawn(subject, pictures, traces)

    def put(self, drawn: Drawn) -> None:
        """Keep it, whole or not at all; a cache that cannot be written is no reason to stop."""
        path, part = self._path(drawn.subject), None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as file:
                part = Path(file.name)
                parts: dict[str, Any] = dict(
                    zip(_PARTS, (drawn.subject.target, *zip(*drawn.subject.parts, strict=True)), strict=True)
                )
                np.savez_compressed(file, pictures=drawn.pictures, traces=drawn.traces, **parts)
            part.replace(path)
        except OSError:
            if part is not None:
                part.unlink(missing_ok=True)

    def blends(self, shape: tuple[int, int]) -> list[Drawn]:
        """All mixtures that were ever drawn (``shape`` is n, side), in order of their names."""
        found = []
        for path in sorted(self.folder.glob("*+*.npz")):
            try:
                with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                    target, layers, channels, weights = (file[name].tolist() for name in _PARTS)
            except (OSError, ValueError, KeyError, EOFError, BadZipFile):
                continue
            subject = Subject(str(target), str(target), tuple(zip(layers, channels, weights, strict=True)))
            drawn = self.get(subject, (*shape, 0)) if self._path(subject) == path else None
            found += [drawn] if drawn is not None else []
        return found

    def _path(self, subject: Subject) -> Path:
        parts = [
            f"{layer}-{channel}" + (f"x{weight:.3g}" if weight != 1 else "") for layer, channel, weight in subject.parts
        ]
        return self.folder / f"{'+'.join(parts)}.npz"
