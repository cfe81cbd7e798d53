"""What one frame needs from the score: camera rates, dream and flow settings, targets."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.config import ColorConfig, DreamConfig, FlowConfig
from pipeline.targets.target import TargetWeights


@dataclass(frozen=True)
class CameraRates:
    """The camera at one moment.

    ``zoom`` is a factor per second (above 1 flies in), ``rotate`` degrees per second (the image turns clockwise),
    ``pan`` frame widths and heights per second (the camera moves right and down), ``center`` the fixed point of zoom
    and rotation in fractions of the frame. ``shear``, ``swirl`` and ``lens`` bend the picture around it, per second.

    ``dolly``, ``truck``, ``pedestal``, ``yaw``, ``pitch`` and ``roll`` fly: forward, right and up, in distances, frame
    widths and frame heights per second where the picture is one distance away; turns in degrees per second.

    Not rates: ``relief`` spreads distances from exp(-relief) to exp(relief), ``fov`` is in degrees, ``shake`` is where
    the hand holds the camera now (right and down in short sides of the frame, degrees clockwise), ``symmetry`` the
    number of mirrors of a kaleidoscope.
    """

    zoom: float = 1.0
    rotate: float = 0.0
    pan: tuple[float, float] = (0.0, 0.0)
    center: tuple[float, float] = (0.5, 0.5)
    shear: tuple[float, float] = (0.0, 0.0)
    swirl: float = 0.0
    lens: float = 0.0
    dolly: float = 0.0
    truck: float = 0.0
    pedestal: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    relief: float = 0.0
    fov: float = 60.0
    shake: tuple[float, float, float] = (0.0, 0.0, 0.0)
    symmetry: float = 0.0


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
