"""Weighted sums of targets, as users write them and as numbers.

Written as ``"class:owl"``, ``"0.5*stage4:61"``, ``"class:owl + 0.5*class:eye"`` (with blanks around the plus, since
names may contain one), ``"-0.3*stage2:5"`` (away from it), a list of these, or a mapping of targets to weights, whose
keys are taken whole. In a mapping a weight may change in time: ``{class:owl: "0s: 1, 4s: 0"}``.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from pipeline.errors import ConfigError
from pipeline.targets.target import TEXT, Target, TargetWeights, parse_target

Weight = float | Callable[[float], float]
"""A number, or a function of seconds."""

TimedWeights = Mapping[Target, Weight]
"""Target → weight, which may change in time."""

ParseWeight = Callable[[str, str], Weight]
"""(text, key) → a weight that is not a plain number."""

MAX_WEIGHT = 1000.0
MAX_DEPTH = 4  # of lists in lists
_PLUS = re.compile(r"\s\+\s")
_WEIGHTED = re.compile(
    r"(?P<weight>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*\*\s*(?P<target>.+)",
    re.DOTALL,
)


def parse_weights(value: object, key: str, parse_timed: ParseWeight | None = None) -> dict[Target, Weight]:
    """The sum that ``value`` describes; weights of a target named twice are added.

    ``parse_timed`` parses keyframes and expressions. Raises ConfigError naming ``key``, also if all weights are 0.
    """
    weights: dict[Target, Weight] = {}
    for text, number in _terms(value, key, MAX_DEPTH):
        weight = parse_weight(number, f"{key}[{text}]" if isinstance(number, str) else key, parse_timed)
        target = parse_target(text, key)
        weights[target] = _sum(weights.get(target, 0.0), weight)
    weights = {target: weight for target, weight in weights.items() if weight != 0.0}
    if not weights:
        raise ConfigError(key, value, "at least one target with a weight other than 0 is needed")
    return weights


def parse_targets(value: object, key: str) -> Iterator[Target]:
    """Every target that ``value`` names, whatever its weight. Raises ConfigError naming ``key``."""
    for text, _ in _terms(value, key, MAX_DEPTH):
        yield parse_target(text, key)


def parse_weight(value: object, key: str, parse_timed: ParseWeight | None = None) -> Weight:
    """One weight; ``parse_timed`` parses a text that is not a number. Raises ConfigError naming ``key``."""
    allowed = f"a weight is a number from -{MAX_WEIGHT:g} to {MAX_WEIGHT:g}"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ConfigError(key, value, allowed)
    try:
        weight = float(value)
    except (ValueError, OverflowError) as error:
        if isinstance(value, str) and parse_timed is not None:
            return parse_timed(value, key)
        raise ConfigError(key, value, allowed) from error
    if not math.isfinite(weight) or abs(weight) > MAX_WEIGHT:
        raise ConfigError(key, value, allowed)
    return weight


def weights_at(weights: TimedWeights, t: float) -> TargetWeights:
    """The weights at ``t`` seconds; before second 0 those of second 0."""
    numbers = {target: _value(weight, max(t, 0.0)) for target, weight in weights.items()}
    return {target: weight for target, weight in numbers.items() if weight != 0.0}


def product(weight: Weight, factor: Weight) -> Weight:
    """The product of two weights."""
    if not callable(weight) and not callable(factor):
        return weight * factor
    return lambda t: _value(weight, t) * _value(factor, t)


def mix(first: Mapping[Target, float], second: Mapping[Target, float], fraction: float) -> TargetWeights:
    """``first`` × (1 − fraction) + ``second`` × fraction, for a fraction in [0, 1]."""
    mixed = {target: weight * (1.0 - fraction) for target, weight in first.items()}
    for target, weight in second.items():
        mixed[target] = mixed.get(target, 0.0) + weight * fraction
    return {target: weight for target, weight in mixed.items() if weight != 0.0}


def total_at_most_one(weights: Mapping[Target, float]) -> TargetWeights:
    """The weights divided by the sum of their absolute values, if that is above 1."""
    total = max(1.0, sum(abs(weight) for weight in weights.values()))
    return {target: weight / total for target, weight in weights.items()}


def strongest(weights: Mapping[Target, float]) -> str:
    """The target with the largest absolute weight (the first of equals) as text, or ``nothing``."""
    return str(max(weights, key=lambda target: abs(weights[target]), default="nothing"))


def _terms(value: object, key: str, depth: int) -> list[tuple[str, object]]:
    """(target, weight) as they are written."""
    if isinstance(value, str):
        return [_term(part) for part in _terms_of(value)]
    if isinstance(value, Mapping):
        return [(str(target), weight) for target, weight in value.items()]
    if isinstance(value, Sequence) and depth > 0:
        return [term for item in value for term in _terms(item, key, depth - 1)]
    raise ConfigError(key, value, "write targets as text, a list of texts or a mapping of targets to weights")


def _terms_of(text: str) -> Iterator[str]:
    """The parts of a sum: split at each plus between blanks, but not within the quotes of a text."""
    quoted, start = [match.span() for match in TEXT.finditer(text)], 0
    for plus in _PLUS.finditer(text):
        if not any(first <= plus.start() < last for first, last in quoted):
            yield text[start : plus.start()]
            start = plus.end()
    yield text[start:]


def _term(text: str) -> tuple[str, object]:
    text = text.strip()
    match = _WEIGHTED.fullmatch(text)
    if match is not None:
        return match["target"], float(match["weight"])
    return (text[1:], -1.0) if text.startswith("-") else (text, 1.0)


def _sum(first: Weight, second: Weight) -> Weight:
    if not callable(first) and not callable(second):
        return first + second
    return lambda t: _value(first, t) + _value(second, t)


def _value(weight: Weight, t: float) -> float:
    return weight(t) if callable(weight) else weight
