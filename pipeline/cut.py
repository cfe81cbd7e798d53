"""The plan of a film of several shots: where each begins, how long it lasts, how it comes out of the one before."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from pipeline import cutlist
from pipeline.config import AudioConfig, RenderConfig
from pipeline.config.film import BARS, FADE, RUN_UP
from pipeline.config.render import UNTIMED
from pipeline.cutlist import Entry
from pipeline.errors import ConfigError
from pipeline.link import Link
from pipeline.music.song import UNHEARD, Song, make_signals, plan_song
from pipeline.plan import Plan, make_plan
from pipeline.score.clock import parse_beats, parse_fps, parse_time, show_time
from pipeline.score.grid import Grid, even
from pipeline.score.signals import Signals

Check = Callable[[Path, Path, Path], None]
MIXED = ("crossfade", "dip")


@dataclass(frozen=True)
class Slot:
    """A shot's place: frames ``begin`` to ``end`` of the film, of which the first ``head`` are the last shot's too."""

    key: str
    entry: Entry
    begin: int
    end: int
    head: int

    @property
    def transition(self) -> str:
        """How it comes out of the shot before."""
        return str(self.entry.get("transition", "cut"))


def plan_film(config: RenderConfig, folder: Path, name: str, check: Check = lambda *_: None) -> Plan:
    """The plan of a film of one shot or of several; see make_plan.

    Raises ConfigError for shots that do not fit each other, the song or the loop, naming them.
    """
    if not config.film:
        if config.shots is not None:
            raise ConfigError("shots", config.shots, "this film has one shot only; frames=0..48 renders a part of it")
        plan = make_plan(config, folder, name, check)
        return _closed(plan, (plan,)) if config.loop else plan
    if config.frames is not None:
        raise ConfigError("frames", config.frames, "this film has several shots; shots=2,3 renders some of them")
    fps = parse_fps(config.frame.fps, "frame.fps")
    song = plan_song(config.audio, fps) if config.audio.path or config.audio.kind == "file" else None
    signals = make_signals(config.audio, song, fps)
    clock = _Clock(
        fps, signals.grid, [at for at, _ in song.sections()] if song else [], _length(config, song, fps, signals)
    )
    slots, notes = clock.fit(clock.slots(_entries(config, song, clock)))
    plans = [_shot(config, slots, number, folder, name, check, song, signals) for number in range(len(slots))]
    for key, plan in zip([slot.key for slot in slots], plans, strict=True):
        if (plan.width, plan.height) != (plans[0].width, plans[0].height):
            raise ConfigError(f"{key}.source.path", plan.config.source.path, "all shots need frames of one size")
    said = [*dict.fromkeys(note for plan in plans for note in plan.notes), *notes]
    frames = slots[-1].end
    said += song.notes(config.audio, frames / fps, plans[0].video, plans[0].config.encode.codec) if song else []
    whole = replace(plans[0], config=replace(config, encode=plans[0].config.encode), frames=frames, notes=tuple(said))
    whole = replace(whole, song=song, signals=signals, stretch=None, link=Link(), shots=tuple(plans))
    wanted(whole)
    return _closed(whole, tuple(plans)) if config.loop else whole


def wanted(plan: Plan) -> list[int]:
    """The numbers, counted from 0, of the shots to render. Raises ConfigError."""
    count = max(1, len(plan.shots))
    if plan.config.shots is None:
        return list(range(count))
    found = re.findall(r"(\d{1,6})(?:\s*\.\.\s*(\d{1,6}))?", str(plan.config.shots))
    numbers = sorted(
        {n - 1 for first, last in found for n in range(int(first), min(int(last or first), count + 1) + 1)}
    )
    rest = re.sub(r"\d{1,6}(\s*\.\.\s*\d{1,6})?|[\s,]", "", str(plan.config.shots))
    if rest or not numbers or numbers[0] < 0 or numbers[-1] >= count:
        raise ConfigError("shots", plan.config.shots, f"needs numbers of shots from 1 to {count}, as in 1,3 or 2..4")
    return numbers


def _entries(config: RenderConfig, song: Song | None, clock: "_Clock") -> list[tuple[str, Entry]]:
    """The shots as they are written; with film=auto one for each section, like sections by like presets."""
    written = list(cutlist.entries(config))
    if not isinstance(config.film, str):
        return written
    if song is not None:
        kinds = [kind for at, kind in song.sections() if clock.total is None or at < clock.total / clock.fps]
        order = list(dict.fromkeys(kinds))
        return [written[order.index(kind) % len(written)] for kind in kinds]
    last = (clock.total or round(parse_time(UNTIMED, fps=clock.fps, key="duration") * clock.fps)) / clock.fps
    count = max(1, round(clock.grid.beat(float(last)) / clock.grid.beats_per_bar / BARS))
    return [written[number % len(written)] for number in range(count)]


def _length(config: RenderConfig, song: Song | None, fps: Fraction, signals: Signals) -> int | None:
    """The film's length in frames, where it is given: as a duration, or by the song."""
    if config.duration is None and song is None:
        return (
            None
            if config.film != cutlist.AUTO
            else round(4 * BARS * signals.grid.beats_per_bar * signals.grid.seconds * fps)
        )
    written = "100%" if config.duration is None else config.duration
    seconds = parse_time(written, fps=fps, key="duration", duration=song.seconds if song else None, grid=signals.grid)
    return round(seconds * fps)


@dataclass(frozen=True)
class _Clock:
    """Turns what is written into frames of the film; ``total`` is its length where that is given."""

    fps: Fraction
    grid: Grid
    sections: list[float]
    total: int | None

    def slots(self, entries: list[tuple[str, Entry]]) -> list[Slot]:
        """The shots one after the other, overlapping where they are mixed."""
        found: list[Slot] = []
        for key, entry in entries:
            head = self._head(key, entry, first=not found)
            begin = found[-1].end - head if found else 0
            if begin < 0 or (found and found[-1].begin + found[-1].head > begin):
                before = found[-1].end - found[-1].begin
                words = f"the shot before lasts {before} frames, and its transitions take more"
                raise ConfigError(f"{key}.fade", entry.get("fade", FADE), words)
            end = self._end(key, entry, begin, head)
            if end - begin <= head:
                raise ConfigError(
                    f"{key}.duration", entry.get("duration", "section"), "the shot lasts no longer than its transition"
                )
            found.append(Slot(key, entry, begin, end, head))
        return found

    def fit(self, slots: list[Slot]) -> tuple[list[Slot], list[str]]:
        """The shots with the last one made to end with the film, and what there is to say of it."""
        last = slots[-1]
        if self.total is None or last.end == self.total:
            return slots, []
        if self.total - last.begin <= last.head:
            words = f"it would begin after {show_time(float(last.begin / self.fps))}, when the film is over"
            raise ConfigError(last.key, last.entry.get("name", last.transition), words)
        by = show_time(abs(self.total - last.end) / float(self.fps))
        how = f"{by} {'longer' if self.total > last.end else 'shorter'}"
        said = f"{last.key}, the last shot, is made {how}, to end with the film"
        return [*slots[:-1], replace(last, end=self.total)], [said]

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

    def _end(self, key: str, entry: Entry, begin: int, head: int) -> int:
        """The frame after the shot's last: by seconds from where it begins, by bars from where it is alone."""
        written = entry.get("duration") or ("section" if self.sections else UNTIMED)
        alone = float((begin + head) / self.fps)
        if written == "section":
            return self._section(alone)
        beats = parse_beats(written, key=f"{key}.duration", beats_per_bar=self.grid.beats_per_bar)
        if beats is not None:
            return round(self.grid.time(self.grid.beat(alone) + beats) * self.fps)
        whole = float(self.total / self.fps) if self.total else None
        return begin + round(parse_time(written, fps=self.fps, key=f"{key}.duration", duration=whole) * self.fps)

    def _section(self, alone: float) -> int:
        """Where the section ends that plays at second ``alone``; without a song, so many bars on."""
        later = [at for at in self.sections if at > alone + self.grid.seconds / 2]
        if later:
            return round(min(later) * self.fps)
        if self.sections and self.total:
            return self.total
        return round(self.grid.time(self.grid.beat(alone) + BARS * self.grid.beats_per_bar) * self.fps)


def _shot(
    config: RenderConfig,
    slots: list[Slot],
    number: int,
    folder: Path,
    name: str,
    check: Check,
    song: Song | None,
    signals: Signals,
) -> Plan:
    """The plan of one shot, checked as a film of its own is."""
    slot, after = slots[number], slots[number + 1] if number + 1 < len(slots) else None
    frames = slot.end - slot.begin
    try:
        own = cutlist.shot_config(config, slot.entry)
        if slot.transition == "zoom_through":
            own.start.kind, own.start.unfold = "noise", "0s"
            if own.source.kind != "none":
                raise ConfigError(
                    "transition", slot.transition, "footage begins with its own first picture; take a crossfade"
                )
        silent = replace(own.audio, kind="none", path=None)
        plan = make_plan(
            replace(own, duration=f"{frames}f", audio=silent), folder, name, check if number == 0 else lambda *_: None
        )
    except ConfigError as error:
        raise ConfigError(f"{slot.key}.{error.key}", error.value, error.allowed) from error
    link = Link(number, slot.transition, slot.head, after.head if after else 0)
    played = _from(slot.begin / plan.fps, plan.fps, config.audio, song, signals)
    return replace(plan, config=replace(plan.config, audio=own.audio), signals=played, link=link)


def _from(second: Fraction, fps: Fraction, audio: AudioConfig, song: Song | None, signals: Signals) -> Signals:
    """The signals as a shot hears them that begins at ``second`` of the film."""
    if not second:
        return signals
    if song is not None:
        return make_signals(audio, replace(song, start=song.start + float(second)), fps)
    grid = signals.grid
    return Signals(
        even(audio.bpm or UNHEARD, grid.beats_per_bar, grid.times[0] - float(second)), audio.attack, audio.release
    )


def _closed(film: Plan, plans: tuple[Plan, ...]) -> Plan:
    """The film as a loop: its first shot gets a run-up, to which the end of its last is led."""
    first, last, fps = plans[0], plans[-1], film.fps
    for plan in plans:
        if plan.stretch is not None:
            raise ConfigError("loop", "true", "footage does not end where it began; loop=true is for films without")
    run_up = min(round(RUN_UP * fps), (last.frames - last.link.head) // 2, (first.frames - first.link.tail) // 2)
    if run_up < 2:
        raise ConfigError("loop", "true", f"a loop needs a few frames; its shots have {first.frames} and {last.frames}")
    if film.config.frames is not None:
        raise ConfigError("frames", film.config.frames, "a loop is rendered as a whole")
    notes = (*film.notes, "loop=true: start.unfold is left out") if first.opening else film.notes
    period = first.frames if len(plans) == 1 else 0
    opened = replace(
        first, frames=first.frames + run_up, opening=0, link=replace(first.link, run_up=run_up, period=period)
    )
    if len(plans) == 1:
        return replace(opened, notes=notes, link=replace(opened.link, back=run_up))
    ended = replace(last, link=replace(last.link, back=run_up))
    return replace(film, notes=notes, shots=(opened, *plans[1:-1], ended))
