"""Regions of the frame that a target is confined to: ``{left}``, ``{circle(0.5,0.4,0.2)}``, ``{mask.png}``.

``{not center}`` is everything else. Regions do not move with the camera.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from pipeline.errors import ConfigError

SIDES = ("left", "right", "top", "bottom", "center")
MAX_RADIUS = 4  # short sides of the frame
_DECIMAL = r"\s*(\d+(?:\.\d*)?|\.\d+)\s*"
_CIRCLE = re.compile(rf"circle\({_DECIMAL},{_DECIMAL},{_DECIMAL}\)")
_FORMS = f"a region is {', '.join(SIDES)}, circle(x,y,r), an image file, or not and one of these"


@dataclass(frozen=True)
class Region:
    """A part of the frame: ``shape`` is one of ``SIDES``, ``circle`` or ``file``; ``inverted``: everything else.

    ``circle`` is (x, y, r): the center in fractions of the frame from the left and the top, the radius in short sides
    of the frame. ``file`` is an image that dreams where it is white.
    """

    shape: str
    circle: tuple[float, float, float] = (0.5, 0.5, 0.5)
    file: str = ""
    inverted: bool = False

    def __str__(self) -> str:
        text = self.file if self.shape == "file" else self.shape
        if self.shape == "circle":
            text = f"circle({','.join(map(decimal, self.circle))})"
        return f"{{{'not ' if self.inverted else ''}{text}}}"


def parse_region(inside: str, target: str, key: str) -> Region:
    """The region in the braces of a target. Raises ConfigError naming ``key``."""
    text = inside.strip()
    inverted = text.startswith("not ")
    text = text.removeprefix("not ").strip()
    if not text:
        raise ConfigError(key, target, _FORMS)
    if text in SIDES:
        return Region(text, inverted=inverted)
    if not text.startswith("circle("):
        return Region("file", file=text, inverted=inverted)
    match = _CIRCLE.fullmatch(text)
    if match is None or not 0 < float(match[3]) <= MAX_RADIUS or max(float(match[1]), float(match[2])) > 1:
        allowed = "write circle(x,y,r): x and y from 0 to 1, the radius above 0 in short sides of the frame"
        raise ConfigError(key, target, allowed)
    return Region("circle", (float(match[1]), float(match[2]), float(match[3])), inverted=inverted)


def decimal(number: float) -> str:
    """``number`` without an exponent; parsing it gives the same float."""
    digits = f"{Decimal(repr(number)):f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
