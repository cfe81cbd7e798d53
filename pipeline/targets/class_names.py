"""The names of a network's classes, from a text file with one name a line."""

import re
from pathlib import Path

from pipeline.errors import InputError
from pipeline.runtime.files import check_regular, format_bytes

MAX_BYTES = 4_000_000


def read_class_names(path: Path, key: str = "network.class_names") -> tuple[str, ...]:
    """The names in the order of the classes. Raises InputError naming ``key``.

    Lines of Places365 (``/a/airfield 0``) give the name alone.
    """
    key = f"{key}={path}"
    check_regular(path, key)
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{key}: it is larger than {format_bytes(MAX_BYTES)}; it should have one name a line")
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{key}: it is no text in UTF-8; it should have one name a line") from error
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise InputError(f"{key}: it is empty; it should have one name a line")
    return tuple(re.sub(rf"^/\w/|\s+{number}$", "", line.strip()) for number, line in enumerate(lines))
