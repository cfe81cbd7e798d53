"""What is seen, and when."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.option import option


@dataclass
class ScoreConfig:
    """What is seen, and when."""

    kind: str = option(
        "cycle",
        "how targets change in time",
        choices=("constant", "cycle", "fractal", "guided", "walk", "layers", "keys", "beats"),
    )
    targets: list[Any] = option(
        [],
        "what is seen, one after another: [class:owl, stage4:77, 0.5*class:eye + -0.2*stage2]; see below",
    )
    guide: str | None = option(None, "the picture whose features are dreamed, for score=guided")
    layers: list[str] = option([], "layers to draw channels from; empty: the network's own choice")
    draw: int = option(0, "channels drawn at random by seed instead of targets; 0: none", low=0, high=10000)
    keys: list[Any] = option([], "for score=keys: a list of {at: 4s, see: class:owl, weight: 1, fade: 1s}")
    hold: Any = option("2s", "time from one target to the next: 2s, 4b (beats), 1bar")
    every: Any = option("4b", "for score=beats: how many beats from one target to the next")
    fade: Any = option("0.5s", "cross-fade at the end of each hold")
