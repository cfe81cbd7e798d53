"""What the first frame is made from."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option

HIDDEN_SECONDS = 1 / 24  # seconds of the film that one hidden dream counts for


@dataclass
class StartConfig:
    """What the first frame is made from."""

    kind: str = option("noise", "noise, your picture, or a generator's", choices=("noise", "image", "imagine"))
    path: str | None = option(None, "your picture, for start=image")
    background: list[float] = option([0.0, 0.0, 0.0], "red, green, blue in 0..1 behind transparent pictures")
    size: int = option(64, "pixels of the short side at which the noise starts to grow", low=16, high=4096)
    noise: float = option(0.16, "standard deviation of the white noise around middle gray", low=0.0, high=0.5)
    steps: int = option(
        72,
        "dreams before the first frame, in which noise grows from start.size to the frame's size",
        low=0,
        high=2000,
    )
    boost: float = option(
        1.0,
        "factor on dream.strength and dream.tone_rate while the noise is small; fades to 1 as it grows",
        low=0.1,
        high=10,
    )
    unfold: Any = option("0s", "show this growth as the film's opening, for this long")
