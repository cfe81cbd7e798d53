"""The table of motifs: every class name with the function that draws it."""

from collections.abc import Callable
from dataclasses import dataclass

from scripts.motifnet.canvas import Canvas

Draw = Callable[[Canvas], None]


@dataclass(frozen=True)
class Motif:
    """One class: how it is drawn and how it may lie in a picture.

    ``turn`` is the largest rotation in degrees, ``bend`` scales the picture's bending, ``field``
    marks a texture that covers the picture instead of standing in it.
    """

    name: str
    draw: Draw
    turn: float = 180.0
    bend: float = 1.0
    mirror: bool = True
    field: bool = False


DRAWN: dict[str, Motif] = {}
"""Filled by the modules that draw; ``motifs.MOTIFS`` puts it into the order of the classes."""


def motif(turn: float = 180.0, bend: float = 1.0, field: bool = False) -> Callable[[Draw], Draw]:
    """Enters a drawing function into the table under its own name."""

    def enter(draw: Draw) -> Draw:
        DRAWN[draw.__name__] = Motif(draw.__name__, draw, turn, bend, True, field)
        return draw

    return enter
