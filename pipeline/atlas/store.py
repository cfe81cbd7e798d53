"""Finished pictures in the user's cache folder: by network and settings, one file each."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.atlas.selection import PictureTarget
from pipeline.runtime.cache import cache_folder, load_arrays, save_arrays

_TARGET_KEYS = ("target", "layers", "channels", "weights")
VERSION = 2  # of the algorithm: another one writes other files


@dataclass(frozen=True)
class Picture:
    """The pictures of a target: ``pixels`` ``(n, side, side, 3)``, and ``traces`` ``(n, C)``, the mean activation of
    each channel of its layer on them (C is 0 for a blend).
    """

    target: PictureTarget
    pixels: NDArray[np.uint8]
    traces: NDArray[np.float32]


class Store:
    """Pictures for these weights (their SHA-256) and ``settings``, all values that affect pixels."""

    def __init__(self, network: str, sha256: str, settings: Mapping[str, Any]) -> None:
        text = json.dumps({"version": VERSION, **settings}, sort_keys=True)
        name = f"{network}-{sha256[:16]}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        self.folder = cache_folder("atlas") / name

    def get(self, target: PictureTarget, shape: tuple[int, int, int]) -> Picture | None:
        """The target's pictures (``shape`` is n, side, C), or None when there are none or the file is damaged."""
        arrays = load_arrays(self._path(target))
        if arrays is None or not {"pictures", "traces"} <= arrays.keys():
            return None
        return picture_of(target, arrays["pictures"], arrays["traces"], shape)

    def put(self, picture: Picture) -> None:
        """Write the pictures."""
        target = picture.target
        keys = dict(zip(_TARGET_KEYS, (target.target, *zip(*target.parts, strict=True)), strict=True))
        save_arrays(self._path(target), pictures=picture.pixels, traces=picture.traces, **keys)

    def blends(self, shape: tuple[int, int]) -> list[Picture]:
        """All blends ever drawn (``shape`` is n, side), in order of their file names."""
        pictures = []
        for path in sorted(self.folder.glob("*+*.npz")):
            arrays = load_arrays(path)
            if arrays is None or not arrays.keys() >= {*_TARGET_KEYS}:
                continue
            text, layers, channels, weights = (arrays[name].tolist() for name in _TARGET_KEYS)
            target = PictureTarget(str(text), str(text), tuple(zip(layers, channels, weights, strict=True)))
            picture = self.get(target, (*shape, 0)) if self._path(target) == path else None
            pictures += [picture] if picture is not None else []
        return pictures

    def _path(self, target: PictureTarget) -> Path:
        parts = [
            f"{layer}-{channel}" + (f"x{weight:.3g}" if weight != 1 else "") for layer, channel, weight in target.parts
        ]
        return self.folder / f"{'+'.join(parts)}.npz"


def picture_of(
    target: PictureTarget, pixels: NDArray[Any], traces: NDArray[Any], shape: tuple[int, int, int]
) -> Picture | None:
    """The picture of these arrays, if they have the ``shape`` (n, side, C)."""
    count, side, channels = shape
    if pixels.shape != (count, side, side, 3) or traces.shape != (count, channels):
        return None
    return Picture(target, pixels, traces)
