"""Opens untrusted image files with Pillow. No torch."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from pipeline.errors import InputError

# Image formats only: for an EPS, Pillow would run Ghostscript.
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "AVIF", "GIF", "BMP", "JPEG2000", "PPM")


@contextmanager
def open_image(path: Path, data: bytes | None = None) -> Iterator[Image.Image]:
    """The image at ``path`` (its content ``data``, if read already), without Pillow's pixel limit and warnings.

    Raises InputError for other files, and for any error of a decoder while the image is open.
    """
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
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
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) in pixels, from the file's header. Raises InputError when it is no image."""
    with open_image(path) as image:
        return image.size


def reason(error: Exception) -> str:
    """The error's message on one line."""
    return " ".join(str(getattr(error, "strerror", None) or error or type(error).__name__).split())
