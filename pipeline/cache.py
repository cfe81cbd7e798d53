"""Where things are kept that were found out once and can be found out again."""

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """The folder ``dream-zoom/NAME`` in the user's cache folder (``$XDG_CACHE_HOME`` or ``~/.cache``)."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(root) if Path(root).is_absolute() else Path.home() / ".cache") / "dream-zoom" / name
