"""What one picture of the atlas is of: a channel, a class, or a blend of two of them. No torch."""

from dataclasses import dataclass

Part = tuple[str, int, float]
"""(layer's full name, channel, weight)."""


@dataclass(frozen=True)
class Subject:
    """``target`` is how a score writes it, ``words`` what people call it, ``parts`` what is looked for in it."""

    target: str
    words: str
    parts: tuple[Part, ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """The layer of every part, in order: what is drawn in one pass has these in common."""
        return tuple(layer for layer, _, _ in self.parts)


def blend(first: Subject, second: Subject, share: float) -> Subject:
    """The two mixed, ``share`` in 0..1 of it the second; written as a sum whose larger weight is 1."""
    most = max(share, 1 - share)
    weights = ((1 - share) / most, share / most)
    written = " + ".join(_weighed(w, each.target) for w, each in zip(weights, (first, second), strict=True))
    parts = [
        (layer, channel, weight * own)
        for weight, each in zip(weights, (first, second), strict=True)
        for layer, channel, own in each.parts
    ]
    return Subject(written, written, tuple(parts))


def _weighed(weight: float, target: str) -> str:
    return target if weight == 1 else f"{weight:.3g}*{target}"
