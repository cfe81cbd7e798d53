"""Size, shape, frame rate and projection of the frame."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option


@dataclass
class FrameConfig:
    """Frame size and frame rate."""

    width: int = option(640, "pixels; odd numbers are rounded up; 0: the footage's, or by aspect", low=0, high=16384)
    height: int = option(360, "pixels; odd numbers are rounded up; 0: the footage's, or by aspect", low=0, high=16384)
    aspect: Any = option(None, "shape, such as 9:16 or 2.39, with as many pixels as width and height; format= sets it")
    fit: str | None = option(
        None, "largest size of this shape within 1920x1080, say (turned for portraits); quality= sets it"
    )
    fps: Any = option("24", "frames per second: 24, 30000/1001, 29.97, or source; changes smoothness, not speed")
    projection: str = option(
        "flat",
        "equirect: all around, for headsets and 360° players, twice as wide as high (format=sphere); dome: a master"
        " for planetariums, as wide as high (format=dome)",
        choices=("flat", "equirect", "dome"),
    )
    stereo: str = option(
        "none",
        "two eyes that see the relief of camera=flight, in one frame",
        choices=("none", "side_by_side", "top_bottom"),
    )
    eyes: float = option(0.03, "distance of the two eyes, in frame widths", low=0.001, high=0.3)
    scale: float = option(1.0, "factor on the size", low=0.05, high=16)
