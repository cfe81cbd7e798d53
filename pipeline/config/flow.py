"""The optical flow that carries the dream along with the footage."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option


@dataclass
class FlowConfig:
    """How the dream follows the motion in the footage."""

    kind: str = option("dis", "optical flow method", choices=("dis", "raft", "none"))
    style: str = option(
        "residual",
        "what the flow carries on: what the dream added (residual), or the whole picture (blend)",
        choices=("residual", "blend"),
    )
    persistence: Any = option(0.98, "fraction of it that remains after 1/24 second", low=0, high=1, curve=True)
    reset: Any = option(0.0, "rate per second at which the picture returns to the footage", low=0, high=100, curve=True)
    still: Any = option(
        None,
        "time without motion after which a place dreams fully, while motion shows the footage; null: dream everywhere",
    )
    keep_light: float = option(0.6, "fraction of broad light and color that comes back from the footage", low=0, high=1)
    warmup: int = option(32, "extra dreams of the first frame, and of the first frame after a cut", low=0, high=500)
    preset: str = option("medium", "accuracy of dis", choices=("fast", "medium", "fine"))
    side: int = option(360, "pixels of the short side at which flow is estimated", low=16, high=4096)
