"""Whether a film will fit on its disk, estimated before the first frame."""

import shutil
from pathlib import Path

from pipeline.errors import OutputError

SURE = 0.35  # share of the estimate that a film needs in any case; dreams differ, estimates err on the large side


def check_space(folder: Path, needed: float) -> str:
    """A note when the disk of ``folder`` may be too small for ``needed`` bytes, else an empty string.

    Raises OutputError when it certainly is.
    """
    free = shutil.disk_usage(folder).free
    words = f"{folder} has {_size(free)} free and the film is estimated to need {_size(needed)}"
    if free < SURE * needed:
        raise OutputError(f"{words}: free some space, or take a smaller frame or a lower encode.quality")
    return f"{words}; it may not fit" if free < needed else ""


def _size(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
