"""Numbered pictures as footage: ``frames/%05d.png``, or all pictures of a folder. No torch."""

import re
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pipeline.errors import InputError
from pipeline.media import ffmpeg

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".avif", ".jp2", ".ppm"})
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "AVIF", "BMP", "JPEG2000", "PPM")
NUMBER = re.compile(r"%(0?)(\d*)d")
THUMB = (64, 36)  # pixels in which cuts are looked for
LARGEST = 16384  # pixels a side


def is_sequence(path: Path) -> bool:
    """Whether ``path`` means numbered pictures: a folder, or a name with one ``%d`` that is no file itself."""
    return path.is_dir() or (not path.is_file() and NUMBER.search(path.name) is not None)


def find_pictures(path: Path) -> tuple[Path, ...]:
    """The pictures of a folder or of a pattern, by their numbers. Raises InputError for none and for a gap."""
    if path.is_dir():
        named = [file for file in path.iterdir() if file.suffix.lower() in ENDINGS and not file.name.startswith(".")]
        found = [file for file in named if file.is_file()]
        if not found:
            raise InputError(f"{path} holds no pictures; allowed are {', '.join(sorted(ENDINGS))}")
        return tuple(sorted(found, key=_natural))
    before, after = NUMBER.split(path.name)[0], NUMBER.split(path.name)[-1]
    numbered = re.compile(re.escape(before) + r"(\d+)" + re.escape(after))
    numbers = {}
    for file in path.parent.iterdir() if path.parent.is_dir() else ():
        match = numbered.fullmatch(file.name)
        if match is not None and _name(path.name, int(match[1])) == file.name and file.is_file():
            numbers[int(match[1])] = file
    if not numbers:
        raise InputError(f"{path}: there is no picture of such a name")
    lacking = next((n for n in range(min(numbers), max(numbers)) if n not in numbers), None)
    if lacking is not None:
        raise InputError(f"{path}: number {lacking} is missing between {min(numbers)} and {max(numbers)}")
    return tuple(numbers[number] for number in sorted(numbers))


def is_among(path: Path, pictures: Path) -> bool:
    """Whether a file at ``path`` would stand among the numbered pictures of a folder or of a pattern."""
    if pictures.is_dir():
        folder = pictures.resolve()
        return folder in (path.resolve(), path.resolve().parent)
    if path.resolve().parent != pictures.resolve().parent:
        return False
    before, after = NUMBER.split(pictures.name)[0], NUMBER.split(pictures.name)[-1]
    return path.name == pictures.name or bool(re.fullmatch(re.escape(before) + r"\d+" + re.escape(after), path.name))


def inspect(files: tuple[Path, ...], threshold: float) -> tuple[tuple[int, int], NDArray[np.int64], str, int]:
    """((width, height) upright, numbers of pictures that begin a scene, what is damaged, how many are whole).

    Every picture is decoded once, up to the first that cannot be; the third then says why. ``threshold`` is ffmpeg's
    scdet's, in per cent; 0 finds no cuts. Raises InputError for pictures of several sizes.
    """
    size, thumbs, damage, whole = (0, 0), bytearray(), "", 0
    for number, file in enumerate(files):
        try:
            shape, thumb = _thumb(file)
        except Exception as error:  # decoders raise anything over damaged files
            damage = f"{file.name} cannot be read: {' '.join(str(error).split())}"
            break
        if number and shape != size:
            raise InputError(f"{file} has {shape[0]}x{shape[1]} pixels, the pictures before it {size[0]}x{size[1]}")
        size, thumbs, whole = shape, thumbs + thumb, number + 1
    return size, _cuts(bytes(thumbs), threshold), damage, whole


def _thumb(file: Path) -> tuple[tuple[int, int], bytes]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(file, formats=[name for name in FORMATS if Image.init() or name in Image.OPEN]) as image:
            if max(image.size) > LARGEST:
                raise InputError(f"it has {image.width}x{image.height} pixels; allowed are {LARGEST} a side")
            upright = ImageOps.exif_transpose(image)
            return upright.size, upright.convert("RGB").convert("L").resize(THUMB).tobytes()


def _cuts(thumbs: bytes, threshold: float) -> NDArray[np.int64]:
    if not threshold or not thumbs:
        return np.array([], np.int64)
    wide, high = THUMB
    arguments = ["-f", "rawvideo", "-pixel_format", "gray", "-video_size", f"{wide}x{high}", "-framerate", "1"]
    arguments += ["-protocol_whitelist", "pipe", "-i", "pipe:0"]
    arguments += ["-vf", f"scdet=threshold={threshold},metadata=mode=print:key=lavfi.scd.time:file=-"]
    report = ffmpeg.run([*arguments, "-f", "null", "/dev/null"], doing="finding cuts", timeout=600.0, input=thumbs)
    numbers = [int(number) for number in re.findall(rb"^frame:\d+ +pts:(\d+)", report, re.MULTILINE)]
    return np.array([number for number in numbers if number], np.int64)


def _name(pattern: str, number: int) -> str:
    """The pattern's name for this number: ``f%03d.png`` and 7 make ``f007.png``."""

    def written(form: "re.Match[str]") -> str:
        return f"{number:0{int(form[2])}d}" if form[1] and form[2] else str(number)

    return NUMBER.sub(written, pattern)


def _natural(file: Path) -> tuple[tuple[int, int, str], ...]:
    """Sorts 2.png before 10.png."""
    parts = re.findall(r"\d+|\D+", file.name)
    return tuple((0, int(part), part) if part.isdigit() else (1, 0, part) for part in parts)
