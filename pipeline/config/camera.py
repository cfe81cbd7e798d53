"""The camera: what moves the canvas between two frames, as written (config) and at one moment (rates)."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option


@dataclass
class CameraConfig:
    """Camera motion between frames, as rates per second. Numbers, keyframes or expressions."""

    zoom: Any = option(
        1.0, "zoom factor per second; above 1 in, below 1 out", low=0.05, high=20, curve=True, usual=(0.5, 2.5)
    )
    rotate: Any = option(0.0, "degrees per second, clockwise", low=-3600, high=3600, curve=True, usual=(-90, 90))
    pan: list[Any] = option(
        [0.0, 0.0],
        "frame widths and heights per second, right and down",
        low=-10,
        high=10,
        curve=True,
        usual=(-0.5, 0.5),
    )
    center: list[Any] = option(
        [0.5, 0.5],
        "fixed point of zoom, rotation, shear, swirl and lens, in fractions of the frame",
        low=-2,
        high=3,
        curve=True,
        usual=(0, 1),
    )
    mirror: str = option(
        "none",
        "every frame is symmetric: its left half mirrored (half or x), its upper half (y), its upper left quarter "
        "(quarter), or the inside of a circle (radial)",
        choices=("none", "half", "quarter", "x", "y", "radial"),
    )
    symmetry: Any = option(
        0, "number of mirrors of a kaleidoscope, 1 to 12, rounded; 0: none", low=0, high=12, curve=True, usual=(0, 12)
    )
    shear: list[Any] = option(
        [0.0, 0.0],
        "slants the picture: sideways per height and upright per width, each second",
        low=-5,
        high=5,
        curve=True,
        usual=(-0.5, 0.5),
    )
    swirl: Any = option(
        0.0, "degrees per second in the middle, none at the border", low=-3600, high=3600, curve=True, usual=(-90, 90)
    )
    lens: Any = option(
        0.0,
        "bends per second: above 0 the middle bulges (barrel, fisheye), below 0 it sinks in (pincushion)",
        low=-5,
        high=5,
        curve=True,
        usual=(-1, 1),
    )
    relief: Any = option(
        0.0,
        "how far the near and far parts of the picture lie apart in a flight: 0 flat, 0.7 twice as near and as far",
        low=0,
        high=2,
        curve=True,
        usual=(0, 1.5),
    )
    dolly: Any = option(
        0.0,
        "flies forward, in distances of the picture per second; near parts come faster (camera.relief)",
        low=-3,
        high=3,
        curve=True,
        usual=(-1, 1),
    )
    truck: Any = option(
        0.0, "flies to the right, in frame widths per second", low=-10, high=10, curve=True, usual=(-0.5, 0.5)
    )
    pedestal: Any = option(0.0, "rises, in frame heights per second", low=-10, high=10, curve=True, usual=(-0.5, 0.5))
    yaw: Any = option(0.0, "turns to the right, in degrees per second", low=-360, high=360, curve=True, usual=(-45, 45))
    pitch: Any = option(0.0, "looks up, in degrees per second", low=-360, high=360, curve=True, usual=(-45, 45))
    roll: Any = option(
        0.0, "leans to the right, in degrees per second", low=-3600, high=3600, curve=True, usual=(-90, 90)
    )
    fov: Any = option(
        60.0, "field of view across the frame, in degrees; narrowing it zooms in", low=5, high=150, curve=True
    )
    shake: Any = option(
        0.0,
        "a hand that is not still: largest shift in short sides of the frame",
        low=0,
        high=1,
        curve=True,
        usual=(0, 0.05),
    )
    shake_rate: Any = option(2.0, "wobbles of the shake per second", low=0, high=30, curve=True, usual=(0, 10))


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


NO_RATES = ("relief", "fov", "shake", "symmetry")
"""What a camera has at each moment, rather than per second."""


def is_neutral(camera: CameraConfig, name: str) -> bool:
    """Whether this setting has the value that does nothing. An expression never has."""
    value, neutral = (
        [str(part).removesuffix(".0") for part in _parts(each, name)] for each in (camera, CameraConfig())
    )
    return value == neutral


def _parts(camera: CameraConfig, name: str) -> list[Any]:
    value = getattr(camera, name)
    return value if isinstance(value, list) else [value]
