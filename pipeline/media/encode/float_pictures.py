"""Numbered OpenEXR and TIFF pictures, made from lossless segments.

OpenEXR: half floats, ZIP compression, with the chromaticities of BT.709; scene-linear light (the inverse of sRGB's
curve, white is 1.0) or the numbers of the display. TIFF: 8 or 16 bits with an sRGB profile.
"""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageCms

from pipeline.errors import OutputError
from pipeline.media.encode.encode_args import Coding
from pipeline.media.encode.lossless import read_frames

PICTURES = ("exr", "tiff")  # the codecs whose pictures this module writes
BT709_PRIMARIES = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)  # x and y of red, green, blue and white
PROFILE_DATE = slice(24, 36)  # in an ICC profile
NO_DATE = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)

Pixels = NDArray[np.float32]
"""``(H, W, 3)`` in [0, 1], sRGB; with opacity ``(H, W, 4)``."""


def write_pictures(segments: Sequence[Path], folder: Path, name: str, coding: Coding, record: str) -> int:
    """Write the frames of ``segments`` to ``folder``, named ``name`` with a number; how many. The first has the record.

    Raises InputError for a segment that cannot be read, OutputError when a picture cannot be written.
    """
    count = 0
    write: Callable[[Path, Pixels, Coding, str], None] = _write_exr if coding.codec.name == "exr" else _write_tiff
    for frame in read_frames(segments):
        path = folder / (name % count)
        try:
            write(path, frame[0].permute(1, 2, 0).numpy(), coding, "" if count else record)
        except (OSError, RuntimeError) as error:  # OpenEXR's for a full disk
            raise OutputError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from error
        count += 1
    return count


def to_linear(display: Pixels) -> Pixels:
    """sRGB's numbers → light, both 0..1 (IEC 61966-2-1)."""
    low, high = display / 12.92, ((display + 0.055) / 1.055) ** 2.4
    return np.where(display <= 0.04045, low, high).astype(np.float32)


def _write_exr(path: Path, pixels: Pixels, coding: Coding, record: str) -> None:
    import OpenEXR

    colors, alpha = pixels[..., :3], pixels[..., 3:]
    colors = to_linear(colors) if coding.color == "linear" else colors
    if coding.alpha:  # OpenEXR's colours are multiplied by their opacity
        pixels = np.concatenate([colors * alpha, alpha], axis=2)
    else:
        pixels = colors
    header: dict[str, Any] = {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "chromaticities": BT709_PRIMARIES,
    }
    if record:
        header["comments"] = record
    half = np.ascontiguousarray(pixels).astype(np.float16)
    OpenEXR.File(header, {"RGBA" if coding.alpha else "RGB": half}).write(str(path))


def _write_tiff(path: Path, pixels: Pixels, coding: Coding, record: str) -> None:
    import tifffile

    white, kind = (255, np.uint8) if coding.bits == 8 else (65535, np.uint16)
    levels = np.rint(pixels * white).astype(kind)
    options: dict[str, Any] = {"description": record.encode()} if record else {}
    options |= {"photometric": "rgb", "compression": "zlib", "predictor": True, "iccprofile": _srgb_profile()}
    if coding.alpha:
        options["extrasamples"] = ["unassalpha"]
    tifffile.imwrite(path, levels, metadata=None, software="", datetime=None, **options)


def _srgb_profile() -> bytes:
    """The ICC profile of sRGB, without the date at which it was made."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[PROFILE_DATE] = NO_DATE
    return bytes(profile)
