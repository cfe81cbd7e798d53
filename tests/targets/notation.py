"""Targets and weights as users write them."""

from collections.abc import Mapping

from pipeline.targets.target import Target, TargetWeights, parse_target


def target_of(text: str) -> Target:
    """``class:owl`` as a target."""
    return parse_target(text, "score.targets")


def weights_of(written: Mapping[str, float]) -> TargetWeights:
    """``{"class:owl": 1.0}`` with targets for keys."""
    return {target_of(text): weight for text, weight in written.items()}


def text_weights(weights: Mapping[Target, float]) -> dict[str, float]:
    """The other direction: weights by the targets' text."""
    return {str(target): weight for target, weight in weights.items()}
