"""Easing: how a number moves from one keyframe to the next."""

import re
from collections.abc import Callable
from functools import partial

from pipeline.errors import ConfigError, nearest
from pipeline.timing.smoothstep import smoothstep

Easing = Callable[[float], float]
"""Fraction of the time in [0, 1] → fraction of the change, 0 to 0 and 1 to 1."""

EASINGS: dict[str, Easing] = {
    "linear": lambda x: x,
    "in": lambda x: x * x,
    "out": lambda x: x * (2.0 - x),
    "in-out": smoothstep,
    "hold": lambda x: 1.0 if x >= 1.0 else 0.0,
}
_BEZIER = re.compile(r"bezier\(([^()]*)\)")


def parse_easing(text: str, key: str) -> Easing:
    """The easing called ``text``, or ``bezier(x1,y1,x2,y2)`` as in CSS, with x in 0..1 and y in -2..3.

    Raises ConfigError naming ``key``.
    """
    word = text.strip().lower()
    if word in EASINGS:
        return EASINGS[word]
    match = _BEZIER.fullmatch(word)
    if match is None:
        choices = ", ".join(EASINGS)
        raise ConfigError(key, text, f"the easings are {choices} and bezier(x1,y1,x2,y2){nearest(word, EASINGS)}")
    allowed = "bezier takes four numbers x1,y1,x2,y2 with x within 0..1 and y within -2..3"
    try:
        x1, y1, x2, y2 = (float(part) for part in match[1].split(","))
    except ValueError as error:
        raise ConfigError(key, text, allowed) from error
    if not (0 <= x1 <= 1 and 0 <= x2 <= 1 and -2 <= y1 <= 3 and -2 <= y2 <= 3):
        raise ConfigError(key, text, allowed)
    return partial(_bezier, x1, y1, x2, y2)


def _bezier(x1: float, y1: float, x2: float, y2: float, x: float) -> float:
    """y of the cubic from (0, 0) to (1, 1) at ``x``, by bisection: its x only rises."""
    if not 0.0 < x < 1.0:
        return min(max(x, 0.0), 1.0)
    low, high = 0.0, 1.0
    for _ in range(48):
        middle = (low + high) / 2
        if _cubic(x1, x2, middle) < x:
            low = middle
        else:
            high = middle
    return _cubic(y1, y2, (low + high) / 2)


def _cubic(first: float, second: float, s: float) -> float:
    rest = 1.0 - s
    return 3 * rest * rest * s * first + 3 * rest * s * s * second + s * s * s
