"""A sight: what is seen at one moment, as a weighted sum of targets.

Written as ``"class:owl"``, ``"0.5*stage4:61"``, ``"class:owl + 0.5*class:eye"`` (the plus between
blanks, since names may hold anything else), ``"-0.3*stage2:5"`` (away from it), a list of such, or
a mapping of targets to weights, whose keys are taken whole, plus signs and all. In a mapping a
weight may move in time: ``{class:owl: "0s: 1, 4s: 0"}``.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from pipeline.errors import ConfigError
from pipeline.targets.target import Target, TargetWeights, parse_target

Weight = float | Callable[[float], float]
"""A number, or a function of seconds."""

TimedWeights = Mapping[Target, Weight]
"""Target → weight, which may change in time."""

Reader = Callable[[str, str], Weight]
"""Reads a weight that is no plain number: (text, key) → weight."""

HEAVIEST = 1000.0
_PLUS = re.compile(r"\s\+\s")
_WEIGHTED = re.compile(
    r"(?P<weight>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*\*\s*(?P<target>.+)",
    re.DOTALL,
)
_DEPTH = 4


def parse_sight(value: object, key: str, curve: Reader | None = None) -> dict[Target, Weight]:
    """The sight that ``value`` describes; a target named twice counts with the sum of its weights.

    ``curve`` reads the weights that are keyframes or expressions. Raises ConfigError naming
    ``key``, also when nothing with a weight other than 0 is left.
    """
    sight: dict[Target, Weight] = {}
    for text, written in _terms(value, key, _DEPTH):
        weight = parse_weight(written, f"{key}[{text}]" if isinstance(written, str) else key, curve)
        target = parse_target(text, key)
        sight[target] = _sum(sight.get(target, 0.0), weight)
    sight = {target: weight for target, weight in sight.items() if weight != 0.0}
    if not sight:
        raise ConfigError(key, value, "at least one target with a weight other than 0 is needed")
    return sight


def written_targets(value: object, key: str) -> Iterator[Target]:
    """Every target that ``value`` names, whatever its weight. Raises ConfigError naming ``key``."""
    for target, _ in _terms(value, key, _DEPTH):
        yield parse_target(target, key)


def sight_at(sight: TimedWeights, t: float) -> TargetWeights:
    """The weights at ``t`` seconds; before second 0 they are those of second 0."""
    found = {name: weight(max(t, 0.0)) if callable(weight) else weight for name, weight in sight.items()}
    return {name: weight for name, weight in found.items() if weight != 0.0}


def scaled(weight: Weight, factor: Weight) -> Weight:
    """The product of two weights."""
    if not callable(weight) and not callable(factor):
        return weight * factor
    return lambda t: _value(weight, t) * _value(factor, t)


def mix(first: Mapping[Target, float], second: Mapping[Target, float], share: float) -> TargetWeights:
    """``first`` × (1 − share) + ``second`` × share, for a share in [0, 1]."""
    mixed = {name: weight * (1.0 - share) for name, weight in first.items()}
    for name, weight in second.items():
        mixed[name] = mixed.get(name, 0.0) + weight * share
    return {name: weight for name, weight in mixed.items() if weight != 0.0}


def within_one(sight: Mapping[Target, float]) -> TargetWeights:
    """The sight with its absolute weights scaled down to add up to 1, if they add up to more."""
    total = max(1.0, sum(abs(weight) for weight in sight.values()))
    return {name: weight / total for name, weight in sight.items()}


def strongest(sight: Mapping[Target, float]) -> str:
    """The target with the greatest absolute weight (the first of equals), or ``nothing``."""
    return str(max(sight, key=lambda target: abs(sight[target]), default="nothing"))


def _terms(value: object, key: str, depth: int) -> list[tuple[str, object]]:
    """Targets with their weights as they are written."""
    if isinstance(value, str):
        return [_term(part) for part in _PLUS.split(value)]
    if isinstance(value, Mapping):
        return [(str(target), weight) for target, weight in value.items()]
    if isinstance(value, Sequence) and depth > 0:
        return [term for item in value for term in _terms(item, key, depth - 1)]
    raise ConfigError(key, value, "write targets as text, a list of texts or a mapping of targets to weights")


def _term(text: str) -> tuple[str, object]:
    written = text.strip()
    match = _WEIGHTED.fullmatch(written)
    if match is not None:
        return match["target"], float(match["weight"])
    if written.startswith("-"):
        return written[1:], -1.0
    return written, 1.0


def parse_weight(value: object, key: str, curve: Reader | None = None) -> Weight:
    """The weight that ``value`` describes; ``curve`` reads a text that is no number. ConfigError naming ``key``."""
    allowed = f"a weight is a number from -{HEAVIEST:g} to {HEAVIEST:g}"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ConfigError(key, value, allowed)
    try:
        weight = float(value)
    except (ValueError, OverflowError) as error:
        if isinstance(value, str) and curve is not None:
            return curve(value, key)
        raise ConfigError(key, value, allowed) from error
    if not math.isfinite(weight) or abs(weight) > HEAVIEST:
        raise ConfigError(key, value, allowed)
    return weight


def _sum(first: Weight, second: Weight) -> Weight:
    if not callable(first) and not callable(second):
        return first + second
    return lambda t: _value(first, t) + _value(second, t)


def _value(weight: Weight, t: float) -> float:
    return weight(t) if callable(weight) else weight
