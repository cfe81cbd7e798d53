"""Opens untrusted image files with Pillow. No torch."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from threading import RLock

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from pipeline.errors import InputError

# Image formats only: for an EPS, Pillow would run Ghostscript.
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "AVIF", "GIF", "BMP", "JPEG2000", "PPM")
MAX_CLIPPED_FRACTION = 0.5  # of fractional grey that may be beyond black and white, as highlights are, or no number
MAX_METADATA_BYTES = 64 << 20  # that a colour profile or a text of a PNG may unpack to; Pillow allows 1 MB

_LOCK = RLock()  # Pillow's limits and Python's warnings are those of all threads


@contextmanager
def open_image(path: Path, data: bytes | None = None) -> Iterator[Image.Image]:
    """The image at ``path`` (its content ``data``, if read already), without Pillow's pixel limit and warnings.

    Raises InputError for other files, and for any error of a decoder while the image is open.
    """
    try:
        with _LOCK, _without_limits():
            Image.init()
            formats = [name for name in FORMATS if name in Image.OPEN]  # older Pillows lack some
            with Image.open(path if data is None else BytesIO(data), formats=formats) as image:
                yield image
    except UnidentifiedImageError as error:
        known = "allowed are JPEG, PNG, TIFF, WebP, AVIF, GIF, BMP and JPEG 2000"
        raise InputError(f"{path} is not a picture that can be read; {known}") from error
    except InputError:
        raise
    except Exception as error:  # decoders raise anything for damaged files
        raise InputError(f"{path} is damaged: {reason(error)}") from error


@contextmanager
def _without_limits() -> Iterator[None]:
    limits = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK
    Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = None, MAX_METADATA_BYTES
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = limits


def check_grey(path: Path, image: Image.Image) -> None:
    """Raise InputError for deep grey that would turn black or white: integers are 16-bit, floats from 0 to 1."""
    if image.mode not in ("I", "F"):
        return
    values, white = np.asarray(image), 65535 if image.mode == "I" else 1
    outside = 1 - float(((values >= 0) & (values <= white)).mean())  # NaN compares false
    if outside > (MAX_CLIPPED_FRACTION if image.mode == "F" else 0):
        fact = f"{max(outside, 0.0001):.2%} of its grey values are not from 0 to {white}"
        raise InputError(f"{path}: {fact}, black to white; rescale them")


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) in pixels, from the file's header. Raises InputError when it is no image."""
    with open_image(path) as image:
        return image.size


def reason(error: Exception) -> str:
    """The error's message on one line."""
    return " ".join(str(getattr(error, "strerror", None) or error or type(error).__name__).split())
