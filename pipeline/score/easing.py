"""How a number gets from one keyframe to the next: shares of the way for shares of the time."""

import re
from collections.abc import Callable
from functools import partial

from pipeline.errors import ConfigError, nearest
from pipeline.timing.smoothstep import smoothstep

Easing = Callable[[float], float]
"""Maps [0, 1] to a share of the way, 0 to 0 and 1 to 1."""


def _linear(share: float) -> float:
    return share


def _in(share: float) -> float:
    return share * share


def _out(share: float) -> float:
    return share * (2.0 - share)


def _hold(share: float) -> float:
    return 1.0 if share >= 1.0 else 0.0


EASINGS: dict[str, Easing] = {
    "linear": _linear,
    "in": _in,
    "out": _out,
    "in-out": smoothstep,
    "hold": _hold,
}
_BEZIER = re.compile(r"bezier\(([^()]*)\)")


def parse_easing(text: str, key: str) -> Easing:
    """The easing called ``text``, or ``bezier(x1,y1,x2,y2)`` as in CSS.

    The x of a bezier lie within 0..1; its y may lie within -2..3 and so overshoot. Raises
    ConfigError naming ``key``.
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


def _bezier(x1: float, y1: float, x2: float, y2: float, share: float) -> float:
    """y of the cubic from (0, 0) to (1, 1) where its x, which only rises, is ``share``."""
    if not 0.0 < share < 1.0:
        return min(max(share, 0.0), 1.0)
    low, high = 0.0, 1.0
    for _ in range(48):
        middle = (low + high) / 2
        if _cubic(x1, x2, middle) < share:
            low = middle
        else:
            high = middle
    return _cubic(y1, y2, (low + high) / 2)


def _cubic(first: float, second: float, s: float) -> float:
    rest = 1.0 - s
    return 3 * rest * rest * s * first + 3 * rest * s * s * second + s * s * s
