"""The transitions between two shots: a light table. ``segments.transition`` mixes the pictures. No torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Transition:
    """``overlaps``: it mixes the end of one shot with the beginning of the next.

    ``sound_fraction`` is the part of the overlap in which each shot's sound plays: 1 all of it, 0.5 its own half.
    """

    overlaps: bool
    sound_fraction: float = 1.0


TRANSITIONS = {
    "cut": Transition(overlaps=False),
    "crossfade": Transition(overlaps=True),
    "dip": Transition(overlaps=True, sound_fraction=0.5),  # through black, where nothing plays
    "zoom_through": Transition(overlaps=False),  # starts from the last canvas of the previous shot
}
