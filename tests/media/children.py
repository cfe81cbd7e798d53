"""The ffmpeg processes that this test process has started and not yet reaped."""

import os
from contextlib import suppress
from pathlib import Path


def ffmpeg_children() -> list[int]:
    """Process numbers of children named ffmpeg, running or zombie."""
    children = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            name, _, rest = path.read_text().partition("(")[2].rpartition(")")
            if name.startswith("ffmpeg") and int(rest.split()[1]) == os.getpid():
                children.append(int(path.parent.name))
    return children
