"""The footage under the dream."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option


@dataclass
class SourceConfig:
    """Footage to dream over."""

    kind: str = option(
        "none",
        "footage, or a walk through a generator; a camera in live sessions",
        choices=("none", "video", "imagine", "camera"),
    )
    path: str | None = option(
        None, "your footage: a video, a folder of pictures, or frames/%05d.png; a camera's device"
    )
    start: Any = option("0s", "where in the footage the film begins: 4s, 96f, 25%")
    end: Any = option(None, "where in the footage the film ends; null: at its end")
    fps: Any = option(None, "frame rate to convert the footage to; null: its own, for pictures 24")
    salvage: bool = option(False, "of a damaged file, render the part before the damage")
    background: list[float] = option([0.0, 0.0, 0.0], "red, green, blue in 0..1 behind transparent footage")
    cut: float = option(
        10.0,
        "percent of change between frames that count as a cut, where the dream starts over; 0: never",
        low=0,
        high=100,
    )
