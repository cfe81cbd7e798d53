"""How the finished frames are shown: backwards, forth and back, faster and slower."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option


@dataclass
class PlaybackConfig:
    """The order and speed in which finished frames are shown. ``film.reverse`` and so on are other names of these."""

    reverse: bool = option(False, "show the film backwards: dreamed zooming out, shown zooming in")
    pingpong: bool = option(False, "show the film forth and back, so that it loops")
    speed: Any = option(
        1.0,
        "dreamed seconds per shown second; frames in between by optical flow",
        low=0.05,
        high=20,
        curve=True,
    )
