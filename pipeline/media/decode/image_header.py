"""What a picture's file says of itself, before it is decoded. No torch."""

import warnings
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from pipeline.errors import InputError

# Formats that are pictures and nothing else: Pillow would run Ghostscript for an EPS.
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "AVIF", "GIF", "BMP", "JPEG2000", "PPM")
KNOWN = "allowed are JPEG, PNG, TIFF, WebP, AVIF, GIF, BMP and JPEG 2000"


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height) in pixels, as the file's head says. Raises InputError for what is no picture."""
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Image.init()
            with Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN]) as image:
                return image.size
    except UnidentifiedImageError as error:
        raise InputError(f"{path} is no picture that can be read; {KNOWN}") from error
    except Exception as error:  # readers raise anything over damaged heads
        raise InputError(f"{path} is damaged: {' '.join(str(error).split()) or type(error).__name__}") from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit
