"""How a shot overlaps the other shots of its film, in frames."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Handles:
    """The frames of a shot that transitions and loop closure use up.

    ``transition`` leads from the previous shot into this one. The first ``head`` and the last ``tail`` frames appear
    in the film only mixed with the tail of the previous shot and the head of the next one.

    In a film that loops, the first ``pre_roll`` frames of the first shot are hidden, and the last ``loop_overlap``
    frames of the last shot are blended into them. The score starts after the pre-roll; in a loop of one shot it starts
    again after ``loop_period`` frames.
    """

    transition: str = "cut"
    head: int = 0
    tail: int = 0
    pre_roll: int = 0
    loop_overlap: int = 0
    loop_period: int = 0

    @property
    def continues(self) -> bool:
        """Whether the shot starts from the last canvas of the previous one."""
        return self.transition == "zoom_through"

    @property
    def hidden(self) -> int:
        """How many of the first frames do not add to the film's length."""
        return self.head + self.pre_roll
