"""When the shots of a film begin and end: what is written turned into frames. No torch."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from pipeline.config.render import UNTIMED
from pipeline.errors import ConfigError
from pipeline.plan.shot_list import BARS, FADE, Entry
from pipeline.timing.beat_grid import Grid
from pipeline.timing.timecode import parse_beats, parse_time, show_time

MIXED = ("crossfade", "dip")


@dataclass(frozen=True)
class Slot:
    """A shot's place: frames ``begin`` to ``end`` of the film, of which the first ``head`` are the last shot's too.

    ``until`` is the second at which it ends, of which ``end`` is the nearest frame.
    """

    key: str
    entry: Entry
    begin: int
    end: int
    head: int
    until: float

    @property
    def transition(self) -> str:
        """How it comes out of the shot before."""
        return str(self.entry.get("transition", "cut"))


@dataclass(frozen=True)
class Timetable:
    """Turns what is written into frames of the film; ``total`` is its length where that is given.

    ``sections`` are the seconds at which those of the song begin, ``footage`` tells the seconds that the footage of an
    entry, which has a name, lasts, or None.
    """

    fps: Fraction
    grid: Grid
    sections: list[float]
    total: int | None
    footage: Callable[[str, Entry], float | None]

    def slots(self, entries: list[tuple[str, Entry]]) -> list[Slot]:
        """The shots one after the other, overlapping where they are mixed. Raises ConfigError naming the shot."""
        found: list[Slot] = []
        for key, entry in entries:
            head = self._head(key, entry, first=not found)
            begin = found[-1].end - head if found else 0
            if begin < 0 or (found and found[-1].begin + found[-1].head > begin):
                before = found[-1].end - found[-1].begin
                words = f"the shot before lasts {before} frames, and its transitions take more"
                raise ConfigError(f"{key}.fade", entry.get("fade", FADE), words)
            until = self._until(key, entry, begin, found[-1].until if found else None)
            end = round(until * self.fps)
            if end - begin <= head and self.total is not None and begin + head >= self.total:
                raise self._late(key, entry, begin)
            if end - begin <= head:
                raise ConfigError(
                    f"{key}.duration", entry.get("duration", "section"), "the shot lasts no longer than its transition"
                )
            found.append(Slot(key, entry, begin, end, head, until))
        return found

    def fit(self, slots: list[Slot]) -> tuple[list[Slot], list[str]]:
        """The shots with the last one made to end with the film, and what there is to say of it."""
        last = slots[-1]
        if self.total is None or last.end == self.total:
            return slots, []
        if self.total - last.begin <= last.head:
            raise self._late(last.key, last.entry, last.begin)
        by = show_time(abs(self.total - last.end) / float(self.fps))
        how = f"{by} {'longer' if self.total > last.end else 'shorter'}"
        said = f"{last.key}, the last shot, is made {how}, to end with the film"
        return [*slots[:-1], replace(last, end=self.total, until=float(self.total / self.fps))], [said]

    def _late(self, key: str, entry: Entry, begin: int) -> ConfigError:
        words = f"it would begin after {show_time(float(begin / self.fps))}, when the film is over"
        return ConfigError(key, entry.get("name", entry.get("transition", "cut")), words)

    def _head(self, key: str, entry: Entry, *, first: bool) -> int:
        transition = entry.get("transition", "cut")
        if first and transition != "cut":
            raise ConfigError(f"{key}.transition", transition, "the first shot comes out of nothing; leave it out")
        if transition not in MIXED:
            return 0
        written = entry.get("fade", FADE)
        beats = parse_beats(written, key=f"{key}.fade", beats_per_bar=self.grid.beats_per_bar)
        seconds = parse_time(written, fps=self.fps, key=f"{key}.fade") if beats is None else beats * self.grid.seconds
        return max(1, round(seconds * self.fps))

    def _until(self, key: str, entry: Entry, begin: int, alone: float | None) -> float:
        """The second at which the shot ends: by seconds from where it begins, by bars and sections from second
        ``alone``, where the shot before ends; None for the first.
        """
        written = entry.get("duration")
        whole = self.footage(key, entry) if not written or "%" in str(written) else None
        if not written:
            written = "section" if self.sections else UNTIMED if whole is None else "100%"
        if written == "section":
            later = [at for at in self.sections if at > (alone or 0.0) + self.grid.seconds / 2]
            if later or (self.sections and self.total):
                return min(later, default=float((self.total or 0) / self.fps))
            written = f"{BARS}bar"
        beats = parse_beats(written, key=f"{key}.duration", beats_per_bar=self.grid.beats_per_bar)
        if beats is not None:
            return self.grid.time(beats if alone is None else self._nearest(str(written), beats, alone))
        if whole is None and self.total:
            whole = float(self.total / self.fps)
        frames = round(parse_time(written, fps=self.fps, key=f"{key}.duration", duration=whole) * self.fps)
        return float((begin + frames) / self.fps)

    def _nearest(self, written: str, beats: float, alone: float) -> float:
        """The beat ``beats`` after second ``alone``, or the nearest at which a bar ends, where the length is
        ``written`` in whole bars, or a whole beat, or whatever part of one it counts.
        """
        whole = beats % self.grid.beats_per_bar == 0 and "bar" in written.lower()
        unit = self.grid.beats_per_bar if whole else 1 / Fraction(beats).limit_denominator(100).denominator
        return float(unit) * math.floor((self.grid.beat(alone) + beats) / float(unit) + 0.5)
