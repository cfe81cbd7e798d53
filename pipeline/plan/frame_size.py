"""The frame's size in pixels and the number of octaves that goes with it. No torch."""

import math

from pipeline.config import FrameConfig, RenderConfig
from pipeline.errors import ConfigError

MIN_PIXELS, MAX_PIXELS = 16, 16384  # of a side, after frame.scale
REFERENCE_PIXELS = 360  # the short side that dream.octaves refers to


def requested_size(config: FrameConfig, clip: tuple[int, int] | None) -> tuple[int, int]:
    """(width, height) from the settings; a side of 0 comes from the ``clip`` or from its aspect ratio."""
    width, height = config.width, config.height
    for key, side in (("frame.width", width), ("frame.height", height)):
        if side < MIN_PIXELS and (side or clip is None):
            raise ConfigError(key, side, f"allowed is {MIN_PIXELS} to {MAX_PIXELS}, or 0 with footage")
    if clip is None:
        return width, height
    if not width and not height:
        return clip
    return width or round(height * clip[0] / clip[1]), height or round(width * clip[1] / clip[0])


def even(side: int, scale: float) -> int:
    """The scaled side in pixels, rounded up to even: 4:2:0 video halves the chroma resolution."""
    pixels = round(side * scale)
    if not MIN_PIXELS <= pixels <= MAX_PIXELS:
        allowed = f"{side} pixels become {pixels}; allowed are {MIN_PIXELS} to {MAX_PIXELS}"
        raise ConfigError("frame.scale", scale, allowed)
    return pixels + pixels % 2


def octaves(config: RenderConfig, short_side: int) -> int:
    """``dream.octaves``, adapted to the frame so that motifs cover the same fraction of it at any size."""
    extra = round(math.log(config.frame.scale * short_side / REFERENCE_PIXELS) / math.log(config.dream.octave_ratio))
    return max(1, config.dream.octaves + extra)
