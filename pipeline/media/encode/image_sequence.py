"""A film as numbered pictures in a folder of its own, which appears when all of them are there."""

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from pipeline.errors import OutputError
from pipeline.runtime.files import check_writable, part_path, sync

NAME = "%05d.png"


def split(path: Path) -> tuple[Path, str]:
    """(folder, name with its number as in ``%05d.png``) of a series; a path without a number is the folder.

    Raises OutputError when the number is missing, written otherwise, or in the folder's name.
    """
    if not path.suffix:
        folder, name = path, NAME
    else:
        folder, name = path.parent, path.name
    number = re.findall(r"%0?\d*d", name)
    if len(number) != 1 or name.count("%") != 1:
        raise OutputError(f"{path}: pictures need one number in their name, as in {folder / 'zoom_%05d.png'}")
    if "%" in str(folder):
        raise OutputError(f"{path}: only the name of the pictures may have a %, not their folder")
    if folder.resolve() in (Path.cwd(), *Path.cwd().parents):
        raise OutputError(f"{path}: pictures need a folder of their own, as in {Path('frames') / name}")
    return folder, name


def check_series(path: Path, overwrite: bool) -> None:
    """Check, before anything is rendered, that the folder can appear. Raises OutputError."""
    folder, name = split(path)
    if folder.is_symlink() or folder.is_mount():
        raise OutputError(f"{folder} is a link or a disk of its own, which pictures cannot take the place of")
    if os.path.lexists(folder) and not folder.is_dir():
        raise OutputError(f"{folder} is not a folder; pictures need one of their own")
    if not folder.is_dir():
        check_writable(folder, overwrite=False)
        return
    check_writable(folder / "picture", overwrite=False)
    strange = [entry.name for entry in folder.iterdir() if not _is_picture(entry, name)]
    if strange:
        raise OutputError(f"{folder} holds {min(strange)}, which is no picture of {name}; give another folder")
    if not overwrite and any(folder.iterdir()):
        raise OutputError(f"{folder} exists already; give overwrite=true to replace it, or another output=")


def place_series(part: Path, path: Path, *, overwrite: bool) -> None:
    """Move the complete folder ``part`` to the series' own, on disk before it has the name.

    Raises FileExistsError when pictures are there without ``overwrite``, OutputError otherwise.
    """
    folder, _ = split(path)
    for picture in part.iterdir():
        sync(picture)
    sync(part)
    old = part_path(folder, "old")
    try:
        if folder.is_dir() and any(folder.iterdir()):
            if not overwrite:
                raise FileExistsError(str(folder))
            check_series(path, overwrite)
            folder.rename(old)
        part.rename(folder)  # takes the place of an empty folder too
    except FileExistsError:
        raise
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}") from error
    with suppress(OSError):  # some systems cannot sync a folder
        sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def first_picture(path: Path) -> Path:
    """The picture of a series that carries its record: of a folder, of a name with a number, or itself."""
    if path.is_dir():
        return min(path.glob("*.png"), default=path / (NAME % 0))
    numbered = path.suffix.lower() == ".png" and re.search(r"%0?\d*d", path.name)
    return path.parent / (path.name % 0) if numbered else path


def _is_picture(entry: Path, name: str) -> bool:
    before, after = re.split(r"%0?\d*d", name)
    return entry.is_file() and bool(re.fullmatch(re.escape(before) + r"\d+" + re.escape(after), entry.name))
