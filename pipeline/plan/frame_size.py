"""The frame's size in pixels, and how many octaves go with it. No torch."""

import math

from pipeline.config import FrameConfig, RenderConfig
from pipeline.errors import ConfigError

LARGEST = 16384  # pixels a side, after frame.scale
REFERENCE = 360  # pixels on the short side that dream.octaves is meant for


def asked_size(config: FrameConfig, clip: tuple[int, int] | None) -> tuple[int, int]:
    """Width and height as asked for; 0 is that of the ``clip`` under it, or follows from the other by its shape."""
    width, height = config.width, config.height
    for key, side in (("frame.width", width), ("frame.height", height)):
        if side < 16 and (side or clip is None):
            raise ConfigError(key, side, "allowed is 16 to 16384, or 0 with footage")
    if clip is None:
        return width, height
    if not width and not height:
        return clip
    return width or round(height * clip[0] / clip[1]), height or round(width * clip[1] / clip[0])


def even(side: int, scale: float) -> int:
    """The side in pixels, rounded up to even: 4:2:0 video halves the colours' resolution."""
    pixels = round(side * scale)
    if not 16 <= pixels <= LARGEST:
        raise ConfigError("frame.scale", scale, f"{side} pixels become {pixels}; allowed are 16 to {LARGEST}")
    return pixels + pixels % 2


def octaves(config: RenderConfig, side: int) -> int:
    """The frame's scale, and the short side that footage sets, add or take octaves: motifs keep their share of it."""
    extra = round(math.log(config.frame.scale * side / REFERENCE) / math.log(config.dream.octave_ratio))
    return max(1, config.dream.octaves + extra)
