"""Where things are kept that were found out once and can be found out again."""

import os
from pathlib import Path
from tempfile import gettempdir


def cache_folder(name: str) -> Path:
    """The folder ``dream-zoom/NAME`` in the user's cache folder (``$XDG_CACHE_HOME`` or ``~/.cache``)."""
    return cache_root() / "dream-zoom" / name


def cache_root() -> Path:
    """The user's cache folder; where there is no home, as for a bare number of a user, the temporary folder."""
    root = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if root.is_absolute():
        return root
    try:
        return Path.home() / ".cache"
    except RuntimeError:
        return Path(gettempdir())
