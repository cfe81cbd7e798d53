"""A film as numbered pictures in a folder of its own, which appears when all of them are there."""

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from pipeline.errors import OutputError
from pipeline.runtime.files import check_writable, part_path, sync

DEFAULT_NAME = "%05d"
PICTURES = (".png", ".tif", ".tiff", ".exr")
NUMBER = r"%0?\d*d"


def split(path: Path, suffix: str = ".png") -> tuple[Path, str]:
    """(folder, file name with a number as in ``%05d.png``); a path without a suffix is the folder of ``suffix`` files.

    Raises OutputError when the number is missing, malformed, or in the folder's name.
    """
    folder, name = (path.parent, path.name) if path.suffix else (path, DEFAULT_NAME + suffix)
    if len(re.findall(NUMBER, name)) != 1 or name.count("%") != 1:
        raise OutputError(f"{path}: pictures need one number in their name, as in {folder / f'zoom_%05d{suffix}'}")
    if "%" in str(folder):
        raise OutputError(f"{path}: only the name of the pictures may have a %, not their folder")
    if folder.resolve() in (Path.cwd(), *Path.cwd().parents):
        raise OutputError(f"{path}: pictures need a folder of their own, as in {Path('frames') / name}")
    return folder, name


def check_sequence_output(path: Path, overwrite: bool, suffix: str = ".png") -> None:
    """Check, before anything is rendered, that the folder can be created or replaced. Raises OutputError."""
    folder, name = split(path, suffix)
    if folder.is_symlink() or folder.is_mount():
        raise OutputError(f"{folder} is a link or a mounted disk, which pictures cannot replace")
    if os.path.lexists(folder) and not folder.is_dir():
        raise OutputError(f"{folder} is not a folder; pictures need one of their own")
    if not folder.is_dir():
        check_writable(folder, overwrite=False)
        return
    check_writable(folder / "picture", overwrite=False)
    before, after = map(re.escape, re.split(NUMBER, name))
    pattern = re.compile(rf"{before}\d+{after}")
    others = [file.name for file in folder.iterdir() if not (file.is_file() and pattern.fullmatch(file.name))]
    if others:
        raise OutputError(f"{folder} holds {min(others)}, which is no picture of {name}; give another folder")
    if not overwrite and any(folder.iterdir()):
        raise OutputError(f"{folder} exists already; give overwrite=true to replace it, or another output=")


def move_sequence_into_place(part: Path, path: Path, *, overwrite: bool) -> None:
    """Sync the complete folder ``part`` to disk and rename it to the folder of ``path``.

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
            check_sequence_output(path, overwrite, next(part.iterdir()).suffix)
            folder.rename(old)
        part.rename(folder)  # replaces an empty folder too
    except FileExistsError:
        raise
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}") from error
    with suppress(OSError):  # some systems cannot sync a folder
        sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def first_picture(path: Path) -> Path:
    """The picture that carries the record: the first of a folder or of a numbered name, or ``path`` itself."""
    if path.is_dir():
        pictures = [file for file in path.iterdir() if file.suffix.lower() in PICTURES]
        return min(pictures, default=path / f"{DEFAULT_NAME % 0}.png")
    numbered = path.suffix.lower() in PICTURES and re.search(NUMBER, path.name)
    return path.parent / (path.name % 0) if numbered else path
