"""The frame's size in pixels. No torch."""

import math
import re
from fractions import Fraction
from typing import Any

from pipeline.config import FrameConfig
from pipeline.errors import ConfigError, InputError

MIN_PIXELS, MAX_PIXELS = 16, 16384  # of a side, after frame.scale
MAX_ASPECT = 10  # of the longer side to the shorter one


def requested_size(config: FrameConfig, clip: tuple[int, int] | None) -> tuple[int, int]:
    """(width, height) from the settings, before ``frame.scale``. Raises ConfigError, InputError for footage."""
    aspect, (width, height) = _aspect(config.aspect), unfitted_size(config, clip)
    if config.fit is not None:
        return _fitted(config.fit, aspect or Fraction(width, height))
    scaled = [round(side * config.scale) for side in (width, height)]
    if (
        clip is not None
        and not (config.width and config.height)
        and not MIN_PIXELS <= min(scaled) <= max(scaled) <= MAX_PIXELS
    ):
        fact = f"the footage has {clip[0]}x{clip[1]} pixels; the frame would have {scaled[0]}x{scaled[1]}"
        raise InputError(f"{fact}, allowed are {MIN_PIXELS} to {MAX_PIXELS} a side; set frame.width= and frame.height=")
    return width, height


def unfitted_size(config: FrameConfig, clip: tuple[int, int] | None) -> tuple[int, int]:
    """(width, height) without ``frame.fit``. A side of 0 comes from ``frame.aspect``, else from the ``clip``.

    With two sides, or the clip's, the aspect keeps the number of pixels. Raises ConfigError.
    """
    width, height, aspect = config.width, config.height, _aspect(config.aspect)
    is_free = clip is not None or (aspect is not None and (width or height))
    for key, side in (("frame.width", width), ("frame.height", height)):
        if side < MIN_PIXELS and (side or not is_free):
            raise ConfigError(key, side, f"allowed is {MIN_PIXELS} to {MAX_PIXELS}, or 0 with footage or frame.aspect")
    if clip is not None and not width and not height:
        width, height = clip
    shape = aspect or Fraction(*(clip or (width, height)))
    if not width or not height:
        width, height = width or round(height * shape), height or round(width / shape)
    elif aspect is not None:
        pixels = width * height
        width, height = _even_size(
            "frame.aspect", config.aspect, math.sqrt(pixels * aspect), math.sqrt(pixels / aspect)
        )
    return width, height


def _aspect(written: Any) -> Fraction | None:
    """``9:16``, ``2.39:1`` or ``2.39`` → width by height. Raises ConfigError."""
    if written is None:
        return None
    match = re.fullmatch(r"(\d{1,5}(?:\.\d{1,4})?)(?:[:/x](\d{1,5}(?:\.\d{1,4})?))?", str(written).strip())
    width, height = (Fraction(number or 1) for number in match.groups()) if match else (Fraction(0), Fraction(0))
    if not width or not height or not 1 <= max(width / height, height / width) <= MAX_ASPECT:
        allowed = f"needs width:height, such as 9:16 or 2.39:1, up to {MAX_ASPECT}:1 and 1:{MAX_ASPECT}"
        raise ConfigError("frame.aspect", written, allowed)
    return width / height


def _fitted(box: str, aspect: Fraction) -> tuple[int, int]:
    """The largest size of this aspect within ``box``, which is turned for a portrait. Raises ConfigError."""
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", box.strip())
    sides = sorted(int(side) for side in match.groups()) if match else [0, 0]
    if not MIN_PIXELS <= sides[0] <= sides[1] <= MAX_PIXELS:
        raise ConfigError("frame.fit", box, f"needs two sides of {MIN_PIXELS} to {MAX_PIXELS} pixels, as 1920x1080")
    short, long = sides
    wide, high = (long, short) if aspect >= 1 else (short, long)
    width = min(Fraction(wide), high * aspect)
    return _even_size("frame.fit", box, float(width), float(width / aspect))


def _even_size(key: str, written: Any, width: float, height: float) -> tuple[int, int]:
    """The nearest even size. Raises ConfigError naming ``key``."""
    size = 2 * round(width / 2), 2 * round(height / 2)
    if not MIN_PIXELS <= min(size) <= max(size) <= MAX_PIXELS:
        words = f"the frame would have {size[0]}x{size[1]} pixels; a side has {MIN_PIXELS} to {MAX_PIXELS}"
        raise ConfigError(key, written, words)
    return size


def even(side: int, scale: float) -> int:
    """The scaled side in pixels, rounded up to even: 4:2:0 video halves the chroma resolution."""
    pixels = round(side * scale)
    if not MIN_PIXELS <= pixels <= MAX_PIXELS:
        allowed = f"{side} pixels become {pixels}; allowed are {MIN_PIXELS} to {MAX_PIXELS}"
        raise ConfigError("frame.scale", scale, allowed)
    return pixels + pixels % 2
