"""Where in the frame a target is dreamed: ``{left}``, ``{circle(0.5,0.4,0.2)}``, ``{mask.png}``, ``{not center}``.

Regions stand still in the frame; the camera moves the picture beneath them.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from pipeline.errors import ConfigError

SIDES = ("left", "right", "top", "bottom", "center")
_DECIMAL = r"\s*(\d+(?:\.\d*)?|\.\d+)\s*"
_CIRCLE = re.compile(rf"circle\({_DECIMAL},{_DECIMAL},{_DECIMAL}\)")
_FORMS = f"a region is {', '.join(SIDES)}, circle(x,y,r), a picture's file, or not and one of these"


@dataclass(frozen=True)
class Region:
    """A part of the frame. ``shape`` is one of ``SIDES``, ``circle`` or ``file``; ``inverted`` all but it.

    ``circle`` is (x, y, r): the middle as fractions of the frame from the left and the top, the radius as a fraction
    of its short side. ``file`` is a picture whose white dreams and whose black does not.
    """

    shape: str
    circle: tuple[float, float, float] = (0.5, 0.5, 0.5)
    file: str = ""
    inverted: bool = False

    def __str__(self) -> str:
        shown = self.file if self.shape == "file" else self.shape
        if self.shape == "circle":
            shown = f"circle({','.join(map(decimal, self.circle))})"
        return f"{{{'not ' if self.inverted else ''}{shown}}}"


def parse_region(inside: str, written: str, key: str) -> Region:
    """The region that stands ``inside`` the braces of the target ``written``. Raises ConfigError naming ``key``."""
    text = inside.strip()
    inverted = text.startswith("not ")
    text = text.removeprefix("not ").strip()
    if not text:
        raise ConfigError(key, written, _FORMS)
    if text in SIDES:
        return Region(text, inverted=inverted)
    if not text.startswith("circle("):
        return Region("file", file=text, inverted=inverted)
    match = _CIRCLE.fullmatch(text)
    if match is None or not 0 < float(match[3]) <= 4 or max(float(match[1]), float(match[2])) > 1:
        allowed = "write circle(x,y,r): x and y from 0 to 1, the radius above 0 in short sides of the frame"
        raise ConfigError(key, written, allowed)
    return Region("circle", (float(match[1]), float(match[2]), float(match[3])), inverted=inverted)


def decimal(number: float) -> str:
    """``number`` in digits, without an exponent, so that parsing gives the same float."""
    digits = f"{Decimal(repr(number)):f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
