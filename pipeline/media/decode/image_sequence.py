"""Numbered pictures as footage: ``frames/%05d.png``, or all pictures of a folder. No torch."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ImageOps

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.decode.open_image import check_grey, open_image, reason

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".avif", ".jp2", ".ppm"})
NUMBER = re.compile(r"%(0?)(\d*)d")
THUMBNAIL_SIZE = (64, 36)  # pixels in which cuts are detected
MAX_SIDE_PIXELS = 16384


def is_sequence(path: Path) -> bool:
    """Whether ``path`` means numbered pictures: a folder, or a name with ``%d`` that is no file itself."""
    return path.is_dir() or (not path.is_file() and NUMBER.search(path.name) is not None)


def list_pictures(path: Path) -> tuple[Path, ...]:
    """The pictures of a folder or of a pattern, by their numbers. Raises InputError for none and for a gap."""
    if path.is_dir():
        files = [file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")]
        files = [file for file in files if file.is_file()]
        if not files:
            raise InputError(f"{path} holds no pictures; allowed are {', '.join(sorted(SUFFIXES))}")
        return tuple(sorted(files, key=_natural_order))
    pattern, numbers = _pattern(path), {}
    for file in path.parent.iterdir() if path.parent.is_dir() else ():
        match = pattern.fullmatch(file.name)
        if match is not None and _name(path.name, int(match[1])) == file.name and file.is_file():
            numbers[int(match[1])] = file
    if not numbers:
        raise InputError(f"{path}: there is no picture of such a name")
    missing = next((n for n in range(min(numbers), max(numbers)) if n not in numbers), None)
    if missing is not None:
        raise InputError(f"{path}: number {missing} is missing between {min(numbers)} and {max(numbers)}")
    return tuple(numbers[number] for number in sorted(numbers))


def is_among(path: Path, pictures: Path) -> bool:
    """Whether a file at ``path`` would be one of the numbered pictures of a folder or of a pattern."""
    if pictures.is_dir():
        folder = pictures.resolve()
        return folder in (path.resolve(), path.resolve().parent)
    if path.resolve().parent != pictures.resolve().parent:
        return False
    return path.name == pictures.name or bool(_pattern(pictures).fullmatch(path.name))


def inspect(files: tuple[Path, ...], threshold: float) -> tuple[tuple[int, int], NDArray[np.int64], str, int]:
    """((width, height) upright, first picture of each new scene, damage, number of intact pictures).

    Decodes every picture once, up to the first that cannot be decoded; ``damage`` says why. ``threshold`` is ffmpeg's
    scdet's, in per cent; 0 detects no cuts. Raises InputError for pictures of several sizes.
    """
    size, thumbnails, damage, count = (0, 0), bytearray(), "", 0
    for number, file in enumerate(files):
        try:
            shape, thumbnail = _thumbnail(file)
        except InputError as error:
            damage = reason(error).removeprefix(f"{file.parent}/")
            break
        if number and shape != size:
            raise InputError(f"{file} has {shape[0]}x{shape[1]} pixels, the pictures before it {size[0]}x{size[1]}")
        size, count = shape, number + 1
        thumbnails += thumbnail
    return size, _detect_cuts(bytes(thumbnails), threshold), damage, count


def _thumbnail(file: Path) -> tuple[tuple[int, int], bytes]:
    with open_image(file) as image:
        if max(image.size) > MAX_SIDE_PIXELS:
            raise InputError(f"{file} has {image.width}x{image.height} pixels; allowed are {MAX_SIDE_PIXELS} a side")
        check_grey(file, image)
        upright = ImageOps.exif_transpose(image)
        return upright.size, upright.convert("RGB").convert("L").resize(THUMBNAIL_SIZE).tobytes()


def _detect_cuts(thumbnails: bytes, threshold: float) -> NDArray[np.int64]:
    if not threshold or not thumbnails:
        return np.array([], np.int64)
    width, height = THUMBNAIL_SIZE
    arguments = ["-f", "rawvideo", "-pixel_format", "gray", "-video_size", f"{width}x{height}", "-framerate", "1"]
    arguments += ["-protocol_whitelist", "pipe", "-i", "pipe:0"]
    arguments += ["-vf", f"scdet=threshold={threshold},metadata=mode=print:key=lavfi.scd.time:file=-"]
    arguments += ["-f", "null", "/dev/null"]
    report = ffmpeg.run(arguments, doing="detecting cuts", timeout=600.0, input=thumbnails)
    numbers = [int(number) for number in re.findall(rb"^frame:\d+ +pts:(\d+)", report, re.MULTILINE)]
    return np.array([number for number in numbers if number], np.int64)


def _pattern(path: Path) -> "re.Pattern[str]":
    before, *_, after = NUMBER.split(path.name)
    return re.compile(re.escape(before) + r"(\d+)" + re.escape(after))


def _name(pattern: str, number: int) -> str:
    """The name with this number: ``f%03d.png`` and 7 give ``f007.png``."""
    return NUMBER.sub(lambda form: f"{number:0{int(form[2])}d}" if form[1] and form[2] else str(number), pattern)


def _natural_order(file: Path) -> tuple[tuple[int, int, str], ...]:
    """Sorts 2.png before 10.png."""
    parts = re.findall(r"\d+|\D+", file.name)
    return tuple((0, int(part), part) if part.isdigit() else (1, 0, part) for part in parts)
