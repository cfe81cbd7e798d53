"""The frame's size in pixels. No torch."""

from pipeline.config import FrameConfig
from pipeline.errors import ConfigError

MIN_PIXELS, MAX_PIXELS = 16, 16384  # of a side, after frame.scale


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
