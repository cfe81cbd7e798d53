"""Checks the files that the user names before anything reads them: regular, not empty, within the limits."""

import os
import zipfile
from pathlib import Path

from pipeline.config import ColorConfig
from pipeline.config.limits import LimitsConfig
from pipeline.config.palettes import PALETTES
from pipeline.errors import InputError, nearest
from pipeline.runtime.files import check_name, check_regular, format_bytes


def check_picture(key: str, written: str, path: Path, limits: LimitsConfig) -> None:
    """Raise InputError unless ``path``, from the value ``written`` of ``key``, is a picture within the limits."""
    from pipeline.media.decode.open_image import image_size

    _check(f"{key}={written}", path, limits.picture_mb * 1e6, "picture_mb")
    width, height = image_size(path)
    if width * height > limits.picture_megapixels * 1e6:
        allowed = f"allowed are {limits.picture_megapixels:g} million (limits.picture_megapixels)"
        raise InputError(f"{path} has {width}x{height} pixels, {width * height / 1e6:.3g} million; {allowed}")


def check_color_files(color: ColorConfig, limits: LimitsConfig) -> None:
    """Raise InputError for a palette or a look-up table that is missing, damaged or too large."""
    if color.palette is not None and color.palette not in PALETTES:
        path, names = Path(color.palette), ", ".join(PALETTES)
        if not os.path.lexists(path):
            words = f"there is no such picture and no such palette; palettes are {names}"
            raise InputError(f"color.palette={color.palette}: {words}{nearest(color.palette, PALETTES)}")
        check_picture("color.palette", color.palette, path, limits)
    if color.lut is not None:
        _check(f"color.lut={color.lut}", Path(color.lut), limits.lut_mb * 1e6, "lut_mb")
        from pipeline.color.cube import read_cube  # loads numpy, which --help does without

        read_cube(Path(color.lut))


def check_weights(path: Path, limits: LimitsConfig, key: str = "network.weights") -> None:
    """Raise InputError unless ``path``, the value of ``key``, is a file that may hold weights."""
    name, max_bytes = f"{key}={path}", limits.weights_gb * 1e9
    _check(name, path, max_bytes, "weights_gb")
    if zipfile.is_zipfile(path):  # what PyTorch saves; others may have packed it
        try:
            with zipfile.ZipFile(path) as archive:
                size = sum(entry.file_size for entry in archive.infolist())
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise InputError(f"{name}: it is damaged ({error})") from error
        if size > max_bytes:
            allowed = f"allowed are {format_bytes(max_bytes)} (limits.weights_gb)"
            raise InputError(f"{name}: unpacked it has {format_bytes(size)}; {allowed}")


def check_footage(written: str, limits: LimitsConfig) -> None:
    """Raise InputError for a video that is not a regular file or too large. A folder or pattern may be images."""
    path = Path(written)
    check_name(path, f"source.path={written}")
    if path.is_dir() and not os.access(path, os.R_OK | os.X_OK):
        raise InputError(f"source.path={written}: the folder cannot be read: permission denied")
    if not path.is_dir() and ("%" not in path.name or path.exists()):
        _check(f"source.path={written}", path, limits.footage_gb * 1e9, "footage_gb")


def _check(name: str, path: Path, max_bytes: float, limit: str) -> None:
    check_regular(path, name)
    size = path.stat().st_size
    if not size:
        raise InputError(f"{name}: it is empty")
    if size > max_bytes:
        raise InputError(f"{name}: it has {format_bytes(size)}; allowed are {format_bytes(max_bytes)} (limits.{limit})")
