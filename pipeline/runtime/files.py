"""Atomic file writes: a file appears under its name only when it is complete."""

import errno
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pipeline.errors import InputError, OutputError


@contextmanager
def atomic_write(path: Path, *, overwrite: bool = True) -> Iterator[Path]:
    """Yield a hidden path next to ``path`` to write to; it takes the name ``path`` when the block ends without error.

    Raises OutputError, or FileExistsError as ``move_into_place`` does.
    """
    part = part_path(path)
    try:
        yield part
        move_into_place(part, path, overwrite=overwrite)
    except FileExistsError:
        raise
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Write or replace the file atomically. Raises OutputError."""
    with atomic_write(path) as part:
        part.write_bytes(content)


def write_json(path: Path, data: Any, *, indent: int | None = None) -> None:
    """Write or replace the file atomically. Raises OutputError."""
    write_bytes(path, (json.dumps(data, indent=indent, ensure_ascii=False) + "\n").encode())


def part_path(path: Path, stage: str = "") -> Path:
    """The hidden name next to ``path`` under which this process writes it; ``stage`` tells several apart."""
    return path.with_name(f".{path.name}.{os.getpid()}.{stage}{'.' if stage else ''}part")


def move_into_place(part: Path, final: Path, *, overwrite: bool) -> None:
    """Sync the complete file ``part`` to disk and rename it to ``final``.

    Raises FileExistsError when ``final`` exists and ``overwrite`` is false, OutputError otherwise.
    """
    try:
        sync(part)
        if overwrite:
            part.replace(final)
        else:
            _rename_without_replacing(part, final)
    except FileExistsError:
        raise
    except OSError as error:
        raise OutputError(f"{final} cannot be written: {error.strerror}") from error
    with suppress(OSError):  # some systems cannot sync a folder
        sync(final.parent)


def _rename_without_replacing(part: Path, final: Path) -> None:
    try:
        os.link(part, final)  # unlike a rename, never replaces a file that appeared meanwhile
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(final):
            raise FileExistsError(errno.EEXIST, "File exists", str(final)) from None
        part.replace(final)
    else:
        part.unlink()


def sync(path: Path) -> None:
    """fsync a file or folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_writable(path: Path, *, overwrite: bool, key: str = "output=") -> None:
    """Create the folder of ``path`` and check that a file can be written there. Raises OutputError.

    ``key`` is the setting that named the path; empty for a file that is written next to another.
    """
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            remedy = f"give {key}{Path(os.path.realpath(path))}" if key else "move it"
            raise OutputError(f"{path} is a link, which would be replaced by a file; {remedy}, or another name")
        if path.is_dir():
            raise OutputError(f"{path} is a folder; {f'{key} needs the name of a file' if key else 'move it'}")
        if os.path.lexists(path):
            if not path.is_file():
                raise OutputError(f"{path} is not a regular file; give another {key or 'output='}")
            if not overwrite:
                raise OutputError(
                    f"{path} exists already; give overwrite=true to replace it, or another {key or 'output='}"
                )
        # Permission bits say nothing about read-only disks, quotas and long names: write a file.
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", suffix=".check", dir=folder) as f:
            f.write(b"\0")
    except OSError as error:
        where = f"the folder {folder}" if error.errno != errno.ENAMETOOLONG else str(path)
        raise OutputError(f"{path} cannot be written: {where}: {error.strerror}") from error


def check_name(path: Path, named: str) -> None:
    """Raise InputError, which begins with ``named``, for a name that no file can have; a file need not be there."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:  # ValueError: a null byte
        words = getattr(error, "strerror", None) or "no file can have such a name"
        raise InputError(f"{named}: {words}") from error


def check_regular(path: Path, named: str) -> None:
    """Raise InputError, which begins with ``named``, unless ``path`` is a regular file (no folder, pipe or device) that
    may be read.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        leads = "it is a link that leads nowhere" if path.is_symlink() else "there is no such file"
        raise InputError(f"{named}: {leads}") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte
        words = getattr(error, "strerror", None) or "no file can have such a name"
        raise InputError(f"{named}: {words}") from error
    if stat.S_ISDIR(mode):
        raise InputError(f"{named}: it is a folder, not a file")
    if not stat.S_ISREG(mode):
        raise InputError(f"{named}: it is no regular file")
    if not os.access(path, os.R_OK):
        raise InputError(f"{named}: it cannot be read: permission denied")


def expand_home(path: str) -> str:
    """The path with ``~`` as the user's home folder, which shells replace at the start of a word only.

    Raises InputError for a user without one. A file or folder here that is called so comes first.
    """
    first = path.partition("/")[0]
    if not path.startswith("~") or os.path.lexists(first):
        return path
    expanded = os.path.expanduser(path)  # noqa: PTH111 - Path would change the rest of it too
    if expanded == path and "/" in path:
        raise InputError(f"{path}: there is no home folder {first}; write the whole path, or ./{path}")
    return expanded


def format_bytes(size: float) -> str:
    """``12.3 MB``: a size in the largest fitting decimal unit, three digits."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
