"""Which targets the film amplifies, and when."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option


@dataclass
class ScoreConfig:
    """Which targets the film amplifies, and when."""

    kind: str = option(
        "cycle",
        "how the targets change over time",
        choices=("constant", "cycle", "fractal", "guided", "walk", "layers", "keys", "beats"),
    )
    targets: list[Any] = option(
        [],
        "what to amplify, one after another: [class:lion, block10:7, 0.5*block8 + -0.2*block5]",
    )
    guide: str | None = option(None, "your picture whose features are dreamed, for score=guided")
    layers: list[str] = option([], "layers to draw channels from; empty: network.layers")
    random_channels: int = option(0, "channels drawn by seed, instead of targets; 0: none", low=0, high=10000)
    keys: list[Any] = option([], "for score=keys: a list of {at: 4s, see: class:lion, weight: 1, fade: 1s}")
    hold: Any = option("2s", "time from one target to the next: 2s, 4b (beats), 1bar")
    every: Any = option("4b", "for score=beats: time from one target to the next, in beats or bars")
    fade: Any = option("0.5s", "cross-fade at the end of each hold")
