"""Segments of a film as one ffmpeg input, by its concat demuxer."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import InputError, OutputError
from pipeline.media.decode.probe import FORMATS
from pipeline.runtime.files import part_path

BYTES_PER_SECOND = 5e6  # that even a slow disk copies


@contextmanager
def concat_input(segments: Sequence[Path], film: Path) -> Iterator[list[str]]:
    """ffmpeg's input arguments for ``segments`` in order; while open, a hidden list of them exists next to them.

    Only local files, and only formats of video. Raises InputError for a missing segment, OutputError, which names the
    ``film``, when the list cannot be written.
    """
    # Next to the segments, so that the list need not quote the folders above, whose names are arbitrary.
    folder = Path(os.path.commonpath([segment.parent.absolute() for segment in segments]))
    path = part_path(folder / "segments", "list")
    try:
        path.write_text(_concat_list(segments, folder), encoding="utf-8", errors="surrogateescape")
        yield [
            *("-protocol_whitelist", "file", "-format_whitelist", f"concat,{FORMATS}"),
            *("-f", "concat", "-safe", "0", "-i", f"file:{path}"),
        ]
    except OSError as error:
        raise OutputError(f"{film} cannot be written: {error.strerror}") from error
    finally:
        path.unlink(missing_ok=True)


def copy_timeout(paths: Sequence[Path]) -> float:
    """Seconds that are more than enough to copy these files."""
    return 120.0 + sum(path.stat().st_size for path in paths if path.exists()) / BYTES_PER_SECOND


def _concat_list(segments: Sequence[Path], folder: Path) -> str:
    """The list in the syntax of ffmpeg's concat demuxer, which resolves names from the list's own folder."""
    lines = ["ffconcat version 1.0"]
    for segment in segments:
        if not segment.is_file():
            raise InputError(f"{segment}: there is no such segment")
        absolute = segment.absolute()
        # A folder such as "file:x" above a relative name would be parsed as a URL; names with a line end fail anyway.
        has_line_end = re.search(r"[\n\r]", str(absolute))
        name = str(absolute.relative_to(folder)) if has_line_end else f"file:{absolute}"
        if re.search(r"[\n\r]", name):
            raise OutputError(f"{name!r} cannot be joined: there is a line end in its name")
        quoted = name.replace("'", r"'\''")
        lines.append(f"file '{quoted}'")
    return "\n".join([*lines, ""])
