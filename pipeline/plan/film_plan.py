"""The plan of a film of several shots: where each begins, how long it lasts, how it comes out of the one before."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from pipeline.config import FrameConfig, RenderConfig
from pipeline.config.render import UNTIMED
from pipeline.errors import ConfigError
from pipeline.plan import shot_list
from pipeline.plan.footage import Stretch, hear_through, plan_stretch
from pipeline.plan.frame_size import asked_size
from pipeline.plan.handles import Link
from pipeline.plan.input_files import check_footage
from pipeline.plan.loop import close
from pipeline.plan.shot_list import BARS, Entry
from pipeline.plan.shot_plan import Plan, make_plan
from pipeline.plan.song import Song, make_signals, plan_song
from pipeline.plan.timeline import Slot, Timetable
from pipeline.timing.signals import Signals
from pipeline.timing.timecode import parse_fps, parse_time, show_time

Check = Callable[[Path, Path, Path], None]


def plan_film(config: RenderConfig, folder: Path, name: str, check: Check = lambda *_: None) -> Plan:
    """The plan of a film of one shot or of several; see make_plan.

    Raises ConfigError for shots that do not fit each other, the song or the loop, naming them.
    """
    if not config.film:
        if config.shots is not None:
            raise ConfigError("shots", config.shots, "this film has one shot only; frames=0..48 renders a part of it")
        plan = make_plan(config, folder, name, check)
        return close(plan) if config.loop else plan
    if config.frames is not None:
        raise ConfigError("frames", config.frames, "this film has several shots; shots=2,3 renders some of them")
    config, bare = _settled(config)
    fps = parse_fps(config.frame.fps, "frame.fps")
    song = plan_song(config.audio, fps) if config.audio.path or config.audio.kind == "file" else None
    signals = make_signals(config.audio, song, fps)
    sections = song.sections(config.audio, signals.grid) if song else []
    starts = [at for at, _ in sections]
    table = Timetable(fps, signals.grid, starts, _length(config, song, fps, signals), partial(_lasting, config))
    slots, notes = table.fit(table.slots(_entries(config, sections, table)))
    cutting = _Cutting(config, bare, folder, name, check, song, signals)
    plans = [cutting.shot(slots, number) for number in range(len(slots))]
    for key, plan in zip([slot.key for slot in slots], plans, strict=True):
        if (plan.width, plan.height) != (plans[0].width, plans[0].height):
            raise ConfigError(f"{key}.source.path", plan.config.source.path, "all shots need frames of one size")
    frames, first = slots[-1].end, plans[0]
    whole = replace(first, config=replace(config, encode=first.config.encode), frames=frames)
    whole = replace(whole, song=song, signals=signals, stretch=None, link=Link(), shots=tuple(plans))
    whole = replace(whole, notes=(*dict.fromkeys(note for plan in plans for note in plan.notes), *notes))
    whole = replace(whole, notes=(*whole.notes, *_heard(whole)))
    wanted(whole)
    return close(whole) if config.loop else whole


def wanted(plan: Plan) -> list[int]:
    """The numbers, counted from 0, of the shots to render. Raises ConfigError."""
    count = max(1, len(plan.shots))
    if plan.config.shots is None:
        return list(range(count))
    found = re.findall(r"(\d{1,6})(?:\s*\.\.\s*(\d{1,6}))?", str(plan.config.shots))
    spans = [(int(first), int(last or first)) for first, last in found]
    rest = re.sub(r"\d{1,6}(\s*\.\.\s*\d{1,6})?|[\s,]", "", str(plan.config.shots))
    if rest or not spans or any(not 1 <= first <= last <= count for first, last in spans):
        raise ConfigError("shots", plan.config.shots, f"needs numbers of shots from 1 to {count}, as in 1,3 or 2..4")
    return sorted({number - 1 for first, last in spans for number in range(first, last + 1)})


def _entries(config: RenderConfig, sections: list[tuple[float, int]], table: Timetable) -> list[tuple[str, Entry]]:
    """The shots as they are written; with film=auto one for each of the ``sections`` (second, kind) of the song, like
    ones by like presets. The first comes out of nothing, whatever its preset says.
    """
    written = list(shot_list.entries(config))
    if not isinstance(config.film, str):
        return written
    written = [(key, {**entry, "duration": "section"} if _of_footage(entry) else entry) for key, entry in written]
    if sections:
        kinds = [kind for at, kind in sections if table.total is None or round(at * table.fps) < table.total]
        order = list(dict.fromkeys(kinds))
        chosen = [written[order.index(kind) % len(written)] for kind in kinds]
    else:
        last = (table.total or round(parse_time(UNTIMED, fps=table.fps, key="duration") * table.fps)) / table.fps
        count = max(1, round(table.grid.beat(float(last)) / table.grid.beats_per_bar / BARS))
        chosen = [written[number % len(written)] for number in range(count)]
    key, first = chosen[0]
    return [(key, {word: value for word, value in first.items() if word != "transition"}), *chosen[1:]]


def _of_footage(entry: Entry) -> bool:
    """Whether an entry lasts a share of its footage, as a look for footage says."""
    return "%" in str(entry.get("duration", ""))


def _length(config: RenderConfig, song: Song | None, fps: Fraction, signals: Signals) -> int | None:
    """The film's length in frames, where it is given: as a duration, or by the song.

    That of a footage's look, ``100%``, is of each footage and says nothing of the film.
    """
    if song is None and config.duration in (None, "100%"):
        end = signals.grid.time(4 * BARS * signals.grid.beats_per_bar)
        return round(end * fps) if config.film == shot_list.AUTO else None
    written = "100%" if config.duration is None else config.duration
    whole, grid = song.seconds if song else None, signals.grid
    seconds = parse_time(written, fps=fps, key="duration", duration=whole, grid=grid, lasting=config.loop)
    return round(seconds * fps)


def _settled(config: RenderConfig) -> tuple[RenderConfig, FrameConfig]:
    """The config whose frame rate is known where the first footage among the shots gives it, and the frame of a shot
    without footage.
    """
    frame = config.frame
    if frame.fps != "source" and frame.width and frame.height:
        return config, frame
    for key, entry in shot_list.entries(config):
        with _named(key):
            stretch = _footage(config, entry)
        if stretch is not None:
            frame = replace(frame, fps=str(stretch.fps))
            width, height = asked_size(frame, (stretch.clip.width, stretch.clip.height))
            return replace(config, frame=frame), replace(frame, width=width, height=height)
    return config, frame


def _lasting(config: RenderConfig, key: str, entry: Entry) -> float | None:
    """How many seconds the footage of an entry lasts, if it has some. Raises ConfigError, InputError."""
    with _named(key):
        stretch = _footage(config, entry)
    return stretch.seconds if stretch is not None else None


def _footage(config: RenderConfig, entry: Entry) -> Stretch | None:
    source = shot_list.shot_config(config, entry).source
    if source.kind != "video":
        return None
    if source.path:
        check_footage(source.path, config.limits)
    return plan_stretch(source, config.frame.fps)


def _heard(film: Plan) -> list[str]:
    """What a person should know about the sound of a film of several shots."""
    from pipeline.media.encode.codecs import find_codec, find_muxer
    from pipeline.media.sound.mix import Medley

    codec = film.config.encode.codec
    if film.song is not None:
        return film.song.notes(film.config.audio, film.frames / film.fps, film.video, codec)
    sound = film.sound(film.frames)
    if not isinstance(sound, Medley):
        return []
    left_out = sound.note(find_muxer(find_codec(codec), film.video))
    silent = [number for number, shot in enumerate(film.shots, 1) if not (shot.stretch and shot.stretch.clip.tracks)]
    where = f"; {_shots(silent)} silent" if silent else ""
    how = "audio.path=song.mp3 lays one song under all of them, audio=none nothing"
    return [left_out or f"the shots are heard with the sound of their footage{where}; {how}"]


def _shots(numbers: list[int]) -> str:
    *before, last = map(str, numbers)
    return f"shots {', '.join(before)} and {last} are" if before else f"shot {last} is"


@contextmanager
def _named(key: str) -> Iterator[None]:
    """Errors over a setting of one shot name the shot, too."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{key}.{error.key}", error.value, error.allowed) from error


@dataclass(frozen=True)
class _Cutting:
    """What all shots of a film share; ``bare`` is the frame of those without footage."""

    config: RenderConfig
    bare: FrameConfig
    folder: Path
    name: str
    check: Check
    song: Song | None
    signals: Signals

    def shot(self, slots: list[Slot], number: int) -> Plan:
        """The plan of one shot, checked as a film of its own is."""
        slot, after = slots[number], slots[number + 1] if number + 1 < len(slots) else None
        with _named(slot.key):
            plan = self._plan(slot, self.check if number == 0 else lambda *_: None)
        link = Link(number, slot.transition, slot.head, after.head if after else 0)
        played = self.signals.since(float(slot.begin / plan.fps), 0.5 / float(plan.fps)) if number else self.signals
        return replace(plan, config=replace(plan.config, audio=self.config.audio), signals=played, link=link)

    def _plan(self, slot: Slot, check: Check) -> Plan:
        frames, own = slot.end - slot.begin, shot_list.shot_config(self.config, slot.entry)
        if own.source.kind == "none":
            own.frame = self.bare
        if slot.transition == "zoom_through":
            own.start.kind, own.start.unfold = "noise", "0s"
            if own.source.kind != "none":
                words = "footage begins with its own first picture; take a crossfade"
                raise ConfigError("transition", slot.transition, words)
        own = replace(own, duration=f"{frames}f", audio=replace(own.audio, kind="none", path=None))
        try:
            plan = make_plan(own, self.folder, self.name, check)
        except ConfigError as error:
            if error.key != "duration":
                raise
            lasts = show_time(frames / float(parse_fps(self.config.frame.fps, "frame.fps")))
            raise ConfigError("duration", lasts, error.allowed) from error
        if plan.stretch is None or self.song is not None or self.config.audio.kind != "source":
            return plan
        used = plan.stretch.start - float(plan.stretch.clip.times[0]) + frames / float(plan.fps)
        heard = hear_through(plan.stretch, own.source.salvage, used)
        return replace(plan, stretch=heard, notes=(*plan.notes, *heard.clip.notes))
