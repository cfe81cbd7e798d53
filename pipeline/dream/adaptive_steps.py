"""Which steps are worth taking: where a step adds little to what is seen, some are left out. No torch.

Of every octave a *share* of the steps is taken, as large as makes each of them promise the growth that is asked for, of
what is seen and per second of steps. In balance the steps make up for what is lost between them, so that the share is
the loss over the growth asked for: a still picture loses little and few steps are taken; a fast zoom wears its fine
detail off, and all are.

A share rises at once and falls slowly. A frame is decided by what was measured in those before it: the same frames give
the same decisions, and what is remembered between two frames is a line of text.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from math import exp, floor

SLOWEST = 6.0  # steps per second that every octave takes at least: on fours, as animators say; slower it would twitch
SETTLE = 0.5  # seconds in which a share falls most of its way


@dataclass(frozen=True)
class Habit:
    """What is known of an octave: what it ``sees``, as a digest, and the ``share`` of its steps that it takes."""

    sees: str
    share: float


@dataclass(frozen=True)
class Done:
    """What an octave, by its number, did in a frame in which it ``sees`` these targets: of ``most`` steps those
    ``taken``, the ``gain`` that they promised together, and the mean ``value`` of what was seen before them.
    """

    octave: int
    sees: tuple[object, ...]
    most: int
    taken: int
    gain: float = 0.0
    value: float = 0.0


class Thrift:
    """Decides how many steps every octave takes. ``growth`` is what a step has to promise, as a share of what is seen
    per second; 0 takes them all.
    """

    def __init__(self, growth: float) -> None:
        self._growth = growth
        self._frames = 0
        self._habits: dict[int, Habit] = {}

    def steps(self, octave: int, sees: Iterable[object], most: int, seconds: float) -> int:
        """How many of ``most`` steps an octave, by its number, takes in a frame of ``seconds`` in which it ``sees``
        these targets. Where they are new to it, all.
        """
        each = self._habit(octave, sees, most, seconds).share * most
        # By the frame's number, and not by a sum of shares, so that octaves that rest alike take turns for good.
        due = self._frames * each + _offset(octave)
        return min(most, floor(due + each) - floor(due))

    def close(self, frame: Iterable[Done], seconds: float) -> None:
        """Remember what all octaves did in a frame of ``seconds``; those that are not among them begin anew."""
        self._habits = {done.octave: self._learned(done, seconds) for done in frame}
        self._frames += 1

    def forget(self) -> None:
        """Begin anew, with all steps: what is seen comes from elsewhere."""
        self._habits = {}

    def note(self) -> str:
        """All that is remembered."""
        return json.dumps([self._frames, [[octave, each.sees, each.share] for octave, each in self._habits.items()]])

    def recall(self, note: str) -> None:
        """Go on from a note; from an empty one, anew."""
        self._frames, habits = json.loads(note or "[0, []]")
        self._habits = {octave: Habit(sees, share) for octave, sees, share in habits}

    def _habit(self, octave: int, sees: Iterable[object], most: int, seconds: float) -> Habit:
        """The octave's habit, within what a frame of ``seconds`` allows."""
        name = sha256("\n".join(sorted(map(str, sees))).encode()).hexdigest()[:16]
        known = self._habits.get(octave)
        share = known.share if known is not None and known.sees == name else 1.0
        return Habit(name, min(1.0, max(share, SLOWEST * seconds / most)))

    def _learned(self, done: Done, seconds: float) -> Habit:
        """The octave's habit after a frame; without steps it is what it was."""
        habit = self._habit(done.octave, done.sees, done.most, seconds)
        if not done.taken:
            return habit
        asked = self._growth * done.value * seconds
        # Where nothing is seen, nothing can be compared.
        wanted = 1.0 if asked <= 0 else min(1.0, habit.share * max(done.gain, 0.0) / asked)
        between = seconds / min(1.0, habit.share * done.most)
        fallen = habit.share + (wanted - habit.share) * (1 - exp(-between / SETTLE))
        return Habit(habit.sees, max(wanted, fallen))


def _offset(octave: int) -> float:
    """Where an octave stands in its turn: 0, ½, ¼, ¾, … so that not all step in the same frame.

    The sequence of van der Corput (1935).
    """
    place, offset = 0.5, 0.0
    while octave:
        offset += place * (octave % 2)
        place, octave = place / 2, octave // 2
    return offset
