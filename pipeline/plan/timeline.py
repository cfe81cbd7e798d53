"""When the shots of a film begin and end: written lengths become frames. No torch."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from pipeline.config.render import DEFAULT_DURATION
from pipeline.errors import ConfigError
from pipeline.plan.shot_list import DEFAULT_FADE, SECTION_BARS, Entry
from pipeline.plan.transition_table import TRANSITIONS
from pipeline.timing.beat_grid import Grid
from pipeline.timing.timecode import parse_beats, parse_time, show_time


@dataclass(frozen=True)
class Slot:
    """A shot's place: film frames ``begin`` to ``end``, of which the first ``head`` overlap the previous shot.

    ``until`` is the exact second at which it ends; ``end`` is the nearest frame.
    """

    key: str
    entry: Entry
    begin: int
    end: int
    head: int
    until: float

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.end - self.begin

    @property
    def transition(self) -> str:
        """The transition from the previous shot."""
        return str(self.entry.get("transition", "cut"))


@dataclass(frozen=True)
class Timeline:
    """Turns written lengths into film frames; ``total`` is the film's length in frames, if given.

    ``sections`` are the seconds at which those of the song begin. ``footage`` gives, for an entry and its key, the
    seconds its footage lasts, or None.
    """

    fps: Fraction
    grid: Grid
    sections: list[float]
    total: int | None
    footage: Callable[[str, Entry], float | None]

    def slots(self, entries: list[tuple[str, Entry]]) -> list[Slot]:
        """The shots in order, overlapping where a transition mixes them. Raises ConfigError naming the shot."""
        slots: list[Slot] = []
        for key, entry in entries:
            head = self._head(key, entry, is_first=not slots)
            begin = slots[-1].end - head if slots else 0
            if begin < 0 or (slots and slots[-1].begin + slots[-1].head > begin):
                words = f"the shot before lasts {slots[-1].frames} frames, and its transitions take more"
                raise ConfigError(f"{key}.fade", entry.get("fade", DEFAULT_FADE), words)
            until = self._until(key, entry, begin, slots[-1].until if slots else None)
            end = round(until * self.fps)
            if end - begin <= head and self.total is not None and begin + head >= self.total:
                raise self._too_late(key, entry, begin)
            if end - begin <= head:
                words = "the shot lasts no longer than its transition"
                word = "until" if "until" in entry else "duration"
                raise ConfigError(f"{key}.{word}", entry.get(word, "section"), words)
            slots.append(Slot(key, entry, begin, end, head, until))
        return slots

    def scale(self, entries: list[tuple[str, Entry]]) -> tuple[list[tuple[str, Entry]], list[str]]:
        """(the entries with lengths and fades scaled to the film's length, a note); as they are unless every one has a
        length in seconds or frames.
        """
        lengths = [str(entry.get("duration", "")) for _, entry in entries]
        if self.total is None or not all(re.fullmatch(r"[\d.]+\s*([hmsf]|ms)?([\d.hmsf ]*)", each) for each in lengths):
            return entries, []
        slots = replace(self, total=None).slots(entries)
        factor, end, scaled = self.total / slots[-1].end, 0, list[tuple[str, Entry]]()
        if factor == 1:
            return entries, []
        for slot in slots:
            head = max(1, round(slot.head * factor)) if slot.head else 0
            begin, end = end - head, round(slot.end * factor)
            scaled.append((slot.key, {**slot.entry, "duration": f"{max(1, end - begin)}f", "fade": f"{head}f"}))
        seconds = show_time(float(self.total / self.fps))
        return scaled, [
            f"all shots are made {factor:.3g} times as long, to last {seconds}; their scores keep their times"
        ]

    def fit(self, slots: list[Slot]) -> tuple[list[Slot], list[str]]:
        """(the shots with the last one ending with the film, notes for the user)."""
        last = slots[-1]
        if self.total is None or last.end == self.total:
            return slots, []
        if self.total - last.begin <= last.head:
            raise self._too_late(last.key, last.entry, last.begin)
        by = show_time(abs(self.total - last.end) / float(self.fps))
        change = f"{by} {'longer' if self.total > last.end else 'shorter'}"
        fitted = replace(last, end=self.total, until=float(self.total / self.fps))
        return [*slots[:-1], fitted], [f"{last.key}, the last shot, is made {change}, to end with the film"]

    def _too_late(self, key: str, entry: Entry, begin: int) -> ConfigError:
        words = f"it would begin after {show_time(float(begin / self.fps))}, when the film is over"
        return ConfigError(key, entry.get("name", entry.get("transition", "cut")), words)

    def _head(self, key: str, entry: Entry, *, is_first: bool) -> int:
        """How many frames overlap the previous shot."""
        transition = entry.get("transition", "cut")
        if is_first and transition != "cut":
            raise ConfigError(f"{key}.transition", transition, "the first shot comes out of nothing; leave it out")
        if not TRANSITIONS[transition].overlaps:
            return 0
        written = entry.get("fade", DEFAULT_FADE)
        beats = parse_beats(written, key=f"{key}.fade", beats_per_bar=self.grid.beats_per_bar)
        seconds = parse_time(written, fps=self.fps, key=f"{key}.fade") if beats is None else beats * self.grid.seconds
        return max(1, round(seconds * self.fps))

    def _until(self, key: str, entry: Entry, begin: int, previous_end: float | None) -> float:
        """The second at which the shot ends: seconds count from its first frame, bars and sections from
        ``previous_end``, the second at which the shot before ends; None for the first shot.
        """
        if "until" in entry:
            whole = float(self.total / self.fps) if self.total else None
            return parse_time(entry["until"], fps=self.fps, key=f"{key}.until", duration=whole, grid=self.grid)
        written = entry.get("duration")
        whole = self.footage(key, entry) if not written or "%" in str(written) else None
        if not written:
            written = "section" if self.sections else DEFAULT_DURATION if whole is None else "100%"
        if written == "section":
            later = [at for at in self.sections if at > (previous_end or 0.0) + self.grid.seconds / 2]
            if later or (self.sections and self.total):
                return min(later, default=float((self.total or 0) / self.fps))
            written = f"{SECTION_BARS}bar"
        beats = parse_beats(written, key=f"{key}.duration", beats_per_bar=self.grid.beats_per_bar)
        if beats is not None:
            return self.grid.time(beats if previous_end is None else self._end_beat(str(written), beats, previous_end))
        if whole is None and self.total:
            whole = float(self.total / self.fps)
        frames = round(parse_time(written, fps=self.fps, key=f"{key}.duration", duration=whole) * self.fps)
        return float((begin + frames) / self.fps)

    def _end_beat(self, written: str, beats: float, previous_end: float) -> float:
        """The beat ``beats`` after second ``previous_end``, rounded to the unit that ``written`` uses: whole bars,
        whole beats, or a fraction of a beat.
        """
        is_bars = beats % self.grid.beats_per_bar == 0 and "bar" in written.lower()
        unit = self.grid.beats_per_bar if is_bars else 1 / Fraction(beats).limit_denominator(100).denominator
        return float(unit) * math.floor((self.grid.beat(previous_end) + beats) / float(unit) + 0.5)
