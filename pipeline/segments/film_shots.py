"""The reel: every shot of a film in order, what of it is rendered, and whether there is room for the rest."""

import logging

from pipeline.errors import ConfigError
from pipeline.plan.film_plan import FilmPlan
from pipeline.segments.disk_space import bytes_per_frame, check_space
from pipeline.segments.shot_render import Networks, Take, open_take
from pipeline.segments.store import ROOM
from pipeline.segments.workdir import Folder

log = logging.getLogger(__name__)

COPIES = 2.1  # the segments, the film that is joined from them, and a little


class Reel:
    """The shots of a film in order, each opened as soon as it is known what its frames depend on."""

    def __init__(self, plan: FilmPlan, folder: Folder, networks: Networks) -> None:
        self.plan, self._folder, self._networks = plan, folder, networks
        self.plans = plan.shots
        self.takes: list[Take | None] = [None] * len(self.plans)

    def open(self) -> None:
        """Open every shot that can be; says what is there, and whether the rest will find room."""
        for number in range(len(self.plans)):
            if not self._waits_for(number):
                self.find(number)
        frames, kept = self.frames(), self.kept()
        if kept:
            log.info(f"going on: {kept} of {frames} frames are there")
        there = sum(take.shelf.finished(take.plan.frames) for take in self.takes if take is not None)
        size = bytes_per_frame(self.plan.config.encode, self.plan.width, self.plan.height)
        canvases = 12.0 * self.plan.width * self.plan.height * (1 + (frames - there) // self.plan.config.segment)
        needed = size * ((frames - there) * COPIES + there) + min(ROOM, canvases)
        tight = check_space(self._folder.path, needed)
        if tight:
            log.info(tight)

    def find(self, number: int) -> Take:
        """The shot, opened. Raises ConfigError when it depends on one that is not rendered."""
        take = self.takes[number]
        if take is None:
            waits, plan = self._waits_for(number), self.plans[number]
            if waits:
                verb = "goes on from" if plan.handles.continues and waits == number else "returns to"
                words = f"shot {number + 1} {verb} shot {waits}, which is not rendered yet"
                words += f"; give shots={waits},{number + 1}"
                raise ConfigError("shots", self.plan.config.shots, words)
            before = self.takes[number - 1] if number else None
            take = open_take(plan, self._folder, self._networks, before, self.takes[0] if number else None)
            if number + 1 < len(self.plans) and self.plans[number + 1].handles.continues:
                take.shelf.want_last(plan.frames)
            self.takes[number] = take
        return take

    def frames(self) -> int:
        """How many frames there are to dream in all."""
        return sum(plan.frames for plan in self.plans)

    def kept(self) -> int:
        """How many of them need not be dreamed again."""
        return sum(take.kept() for take in self.takes if take is not None)

    def begin(self, number: int) -> int:
        """The frame of the film that the first one of a shot is."""
        return (
            sum(plan.frames - plan.handles.hidden for plan in self.plans[:number]) - self.plans[number].handles.hidden
        )

    def whole(self) -> list[Take]:
        """All shots."""
        return [take for take in self.takes if take is not None]

    def _waits_for(self, number: int) -> int:
        """The number, counted from 1, of a shot that has to be whole before this one begins; 0 for none."""
        handles = self.plans[number].handles
        needed = [number - 1] if handles.continues else []
        needed += [0] if handles.loop_overlap and number else []
        for other in needed:
            take = self.takes[other]
            if take is None or not take.is_whole():
                return other + 1
        return 0
