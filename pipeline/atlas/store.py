"""Pictures that were drawn once are kept in the user's cache folder: by network, by settings, one file for each."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.atlas.selection import Subject
from pipeline.runtime.cache import cache_folder, load_arrays, save_arrays

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
        arrays = load_arrays(self._path(subject))
        if arrays is None or not {"pictures", "traces"} <= arrays.keys():
            return None
        pictures, traces = arrays["pictures"], arrays["traces"]
        if pictures.shape != (count, side, side, 3) or traces.shape != (count, channels):
            return None
        return Drawn(subject, pictures, traces)

    def put(self, drawn: Drawn) -> None:
        """Keep it, whole or not at all; a cache that cannot be written is no reason to stop."""
        parts = dict(zip(_PARTS, (drawn.subject.target, *zip(*drawn.subject.parts, strict=True)), strict=True))
        save_arrays(self._path(drawn.subject), pictures=drawn.pictures, traces=drawn.traces, **parts)

    def blends(self, shape: tuple[int, int]) -> list[Drawn]:
        """All mixtures that were ever drawn (``shape`` is n, side), in order of their names."""
        found = []
        for path in sorted(self.folder.glob("*+*.npz")):
            arrays = load_arrays(path)
            if arrays is None or not arrays.keys() >= {*_PARTS}:
                continue
            target, layers, channels, weights = (arrays[name].tolist() for name in _PARTS)
            subject = Subject(str(target), str(target), tuple(zip(layers, channels, weights, strict=True)))
            drawn = self.get(subject, (*shape, 0)) if self._path(subject) == path else None
            found += [drawn] if drawn is not None else []
        return found

    def _path(self, subject: Subject) -> Path:
        parts = [
            f"{layer}-{channel}" + (f"x{weight:.3g}" if weight != 1 else "") for layer, channel, weight in subject.parts
        ]
        return self.folder / f"{'+'.join(parts)}.npz"
