"""What one frame needs from the score: camera rates, dream and flow settings, targets."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.config import CameraRates, ColorConfig, DreamConfig, FlowConfig
from pipeline.targets.target import TargetWeights


@dataclass(frozen=True)
class Cue:
    """One moment of the score. ``dream``, ``flow`` and ``color`` hold the numbers of this moment.

    ``targets`` maps the scale of an octave (1 = full size) to its targets; an octave without targets stays as it is.
    ``label`` names the strongest target: ``class:owl``, in a fade ``class:owl → class:eye``.
    """

    seconds: float
    camera: CameraRates
    dream: DreamConfig
    flow: FlowConfig
    targets: Callable[[float], TargetWeights]
    label: str
    color: ColorConfig = field(default_factory=ColorConfig)
