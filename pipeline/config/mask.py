"""Your own mask: where the dream is strong."""

from dataclasses import dataclass

from pipeline.config.setting import option


@dataclass
class MaskConfig:
    """A mask of your own. ``dream.mask=FILE`` is short for its path."""

    path: str | None = option(
        None, "your mask, a picture or a video: dream where it is white; over footage both start at the same frame"
    )
    channel: str = option("luma", "which channel counts: brightness or opacity", choices=("luma", "alpha"))
    invert: bool = option(False, "dream where the mask is black, whatever its source")
    feather: float = option(0.0, "softness of its edges, as a fraction of the frame's short side", low=0, high=0.5)
