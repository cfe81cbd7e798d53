"""A sight: what is seen at one moment, as a weighted sum of targets.

Written as ``"class:owl"``, ``"0.5*stage4:61"``, ``"class:owl + 0.5*class:eye"`` (the plus between
blanks, since names may hold anything else), ``"-0.3*stage2:5"`` (away from it), a list of such, or
a mapping of targets to weights, whose keys are taken whole, plus signs and all.
"""

import math
import re
from collections.abc import Mapping, Sequence

from pipeline.errors import ConfigError
from pipeline.target import parse_target

Sight = dict[str, float]
"""Canonical target text → weight. No weight is 0; an empty sight asks for nothing."""

HEAVIEST = 1000.0
_PLUS = re.compile(r"\s\+\s")
_WEIGHTED = re.compile(
    r"(?P<weight>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*\*\s*(?P<target>.+)",
    re.DOTALL,
)
_DEPTH = 4


def parse_sight(value: object, key: str) -> Sight:
    """The sight that ``value`` describes; a target named twice counts with the sum of its weights.

    Raises ConfigError naming ``key``, also when nothing with a weight other than 0 is left.
    """
    sight: Sight = {}
    for target, weight in _terms(value, key, _DEPTH):
        name = str(parse_target(target, key))
        sight[name] = sight.get(name, 0.0) + weight
    sight = {name: weight for name, weight in sight.items() if weight != 0.0}
    if not sight:
        raise ConfigError(key, value, "at least one target with a weight other than 0 is needed")
    return sight


def mix(first: Mapping[str, float], second: Mapping[str, float], share: float) -> Sight:
    """``first`` × (1 − share) + ``second`` × share, for a share in [0, 1]."""
    mixed = {name: weight * (1.0 - share) for name, weight in first.items()}
    for name, weight in second.items():
        mixed[name] = mixed.get(name, 0.0) + weight * share
    return {name: weight for name, weight in mixed.items() if weight != 0.0}


def strongest(sight: Mapping[str, float]) -> str:
    """The target with the greatest absolute weight (the first of equals), or ``nothing``."""
    return max(sight, key=lambda name: abs(sight[name]), default="nothing")


def _terms(value: object, key: str, depth: int) -> list[tuple[str, float]]:
    if isinstance(value, str):
        return [_term(part, key) for part in _PLUS.split(value)]
    if isinstance(value, Mapping):
        return [(str(target), parse_weight(weight, key)) for target, weight in value.items()]
    if isinstance(value, Sequence) and depth > 0:
        return [term for item in value for term in _terms(item, key, depth - 1)]
    raise ConfigError(key, value, "write targets as text, a list of texts or a mapping of targets to weights")


def _term(text: str, key: str) -> tuple[str, float]:
    written = text.strip()
    match = _WEIGHTED.fullmatch(written)
    if match is not None:
        return match["target"], parse_weight(match["weight"], key)
    if written.startswith("-"):
        return written[1:], -1.0
    return written, 1.0


def parse_weight(value: object, key: str) -> float:
    """A finite weight within ±HEAVIEST, written as a number or as text; ConfigError naming ``key`` otherwise."""
    allowed = f"a weight is a number from -{HEAVIEST:g} to {HEAVIEST:g}"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ConfigError(key, value, allowed)
    try:
        weight = float(value)
    except (ValueError, OverflowError) as error:
        raise ConfigError(key, value, allowed) from error
    if not math.isfinite(weight) or abs(weight) > HEAVIEST:
        raise ConfigError(key, value, allowed)
    return weight
