"""Segments of a film read one after the other, as if they were one file."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import InputError, OutputError
from pipeline.media.decode.probe import FORMATS
from pipeline.runtime.files import part_path

COPYING = 5e6  # bytes a second that even a slow disk copies


@contextmanager
def chained(segments: Sequence[Path], beside: Path) -> Iterator[list[str]]:
    """ffmpeg's input arguments for ``segments`` in order; while open, a hidden list of them lies among them.

    Local files only, and no format that a film is not made of. Raises InputError for a segment that is not there,
    OutputError when the list cannot be written.
    """
    # Among the segments, so that the list need not spell the folders above, which may have any name.
    home = Path(os.path.commonpath([segment.parent.absolute() for segment in segments]))
    path = part_path(home / "segments", "list")
    try:
        path.write_text(_list(segments, home), encoding="utf-8", errors="surrogateescape")
        yield [
            *("-protocol_whitelist", "file", "-format_whitelist", f"concat,{FORMATS}"),
            *("-f", "concat", "-safe", "0", "-i", f"file:{path}"),
        ]
    except OSError as error:
        raise OutputError(f"{beside} cannot be written: {error.strerror}") from error
    finally:
        path.unlink(missing_ok=True)


def patience(paths: Sequence[Path]) -> float:
    """Seconds in which these files can be copied, and more."""
    return 120.0 + sum(path.stat().st_size for path in paths if path.exists()) / COPYING


def _list(segments: Sequence[Path], home: Path) -> str:
    """The list in the words of ffmpeg's concat demuxer, which reads names from the list's own folder on."""
    lines = ["ffconcat version 1.0"]
    for segment in segments:
        if not segment.is_file():
            raise InputError(f"{segment}: there is no such segment")
        whole, short = segment.absolute(), segment.absolute().relative_to(home)
        # ffmpeg takes a folder such as "file:x" above a short name for an address, and no name with a line end at all.
        name = f"file:{whole}" if not re.search(r"[\n\r]", str(whole)) else str(short)
        if re.search(r"[\n\r]", name):
            raise OutputError(f"{name!r} cannot be joined: there is a line end in its name")
        quoted = name.replace("'", r"'\''")
        lines.append(f"file '{quoted}'")
    return "\n".join([*lines, ""])
