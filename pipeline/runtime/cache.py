"""Arrays in the user's cache folder, for results that take long to compute."""

from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from pipeline.errors import OutputError
from pipeline.runtime.files import atomic_write


def cache_folder(name: str) -> Path:
    """The folder ``dream-zoom/NAME`` in the user's cache folder (on Linux ``$XDG_CACHE_HOME`` or ``~/.cache``)."""
    folder = user_cache_path("dream-zoom", appauthor=False)
    if not folder.is_absolute():  # no home directory, as for a container's numeric user
        folder = Path(gettempdir()) / "dream-zoom"
    return folder / name


def save_arrays(path: Path, **arrays: Any) -> None:
    """Write a compressed .npz file atomically. A cache that cannot be written is skipped silently."""
    with suppress(OSError, OutputError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as part, part.open("wb") as file:
            np.savez_compressed(file, **arrays)


def load_arrays(path: Path) -> dict[str, NDArray[Any]] | None:
    """The arrays of ``save_arrays``; None when the file is missing or damaged (zip keeps a CRC of each array)."""
    try:
        with path.open("rb") as content, np.load(content, allow_pickle=False) as file:
            return {name: np.asarray(file[name]) for name in file.files}
    except Exception:  # numpy and zipfile raise many kinds on damaged files
        return None
