"""Files that appear under their names only when they are complete."""

import errno
import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from pipeline.errors import InputError, OutputError


def part_path(path: Path, stage: str = "") -> Path:
    """The hidden name beside ``path`` under which this process writes it; ``stage`` tells several apart."""
    return path.with_name(f".{path.name}.{os.getpid()}.{stage}{'.' if stage else ''}part")


def place(part: Path, final: Path, *, overwrite: bool) -> None:
    """Move the complete file ``part`` to ``final``, on disk before it has the name.

    Raises FileExistsError when ``final`` exists and ``overwrite`` is false, OutputError otherwise.
    """
    try:
        sync(part)
        if overwrite:
            part.replace(final)
        else:
            _place_new(part, final)
    except FileExistsError:
        raise
    except OSError as error:
        raise OutputError(f"{final} cannot be written: {error.strerror}") from error
    with suppress(OSError):  # some systems cannot sync a folder
        sync(final.parent)


def sync(path: Path) -> None:
    """Wait until the file or folder is on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest(path: Path) -> str:
    """The SHA-256 of the file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_place(path: Path, *, overwrite: bool) -> None:
    """Check that ``path`` can be written, creating its folder. Raises OutputError."""
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise OutputError(f"{path} is a folder; output= needs the name of a file")
        if os.path.lexists(path):
            if not path.is_file():
                raise OutputError(f"{path} is not a regular file; give another output=")
            if not overwrite:
                raise OutputError(f"{path} exists already; give overwrite=true to replace it, or another output=")
        # Permission bits do not tell about read-only disks, quotas and long names; a file does.
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", suffix=".check", dir=folder) as f:
            f.write(b"\0")
    except OSError as error:
        where = f"the folder {folder}" if error.errno != errno.ENAMETOOLONG else str(path)
        raise OutputError(f"{path} cannot be written: {where}: {error.strerror}") from error


def _place_new(part: Path, final: Path) -> None:
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


def check(path: Path, key: str, *, overwrite: bool) -> None:
    """Check that ``path``, which ``key`` named, can be written. Raises OutputError."""
    from pipeline.runtime.files import check_place

    try:
        check_place(path, overwrite=overwrite)
    except OutputError as error:
        raise OutputError(str(error).replace("output=", key)) from error


def write(path: Path, content: bytes) -> None:
    """Write the whole file or nothing. Raises OutputError."""
    from pipeline.runtime.files import part_path

    part = part_path(path)
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error


def check_regular(path: Path, named: str) -> None:
    """Raise InputError, which begins with ``named``, unless ``path`` is a file that has an end."""
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
