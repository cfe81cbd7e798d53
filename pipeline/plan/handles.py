"""How a shot hangs together with the others of its film."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """The shot's number ``index``, counted from 0, and its seams, in frames.

    ``transition`` says how it comes out of the shot before. Its first ``head`` frames and its last ``tail`` frames
    are not in the film by themselves: they are mixed with the tail of the shot before and the head of the one after.

    The first ``run_up`` frames of a film that loops are not in it either: the last ``back`` frames of its last shot are
    led to them. The score begins after the run-up, and that of a loop of one shot again after ``period`` frames.
    """

    index: int = 0
    transition: str = "cut"
    head: int = 0
    tail: int = 0
    run_up: int = 0
    back: int = 0
    period: int = 0

    @property
    def carried(self) -> bool:
        """Whether the shot goes on from the last picture of the one before."""
        return self.transition == "zoom_through"

    @property
    def unshown(self) -> int:
        """How many of its first frames are not in the film, or were counted with the shot before."""
        return self.head + self.run_up
