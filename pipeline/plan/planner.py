"""Plans a film: reads every number and checks every file before anything heavy loads. No torch."""

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from pipeline.config import FrameConfig, RenderConfig
from pipeline.config.render import DEFAULT_DURATION
from pipeline.errors import ConfigError
from pipeline.media.encode.codecs import codec_notes
from pipeline.media.encode.encoder_check import resolve_encoder
from pipeline.plan import shot_list
from pipeline.plan.chunks import plan_chunks
from pipeline.plan.delivery import delivery_notes
from pipeline.plan.film_plan import FilmPlan, selected_shots
from pipeline.plan.footage import ClipLibrary
from pipeline.plan.frame_size import unfitted_size
from pipeline.plan.handles import Handles
from pipeline.plan.loop import close_loop
from pipeline.plan.mask import plan_mask
from pipeline.plan.output_paths import OutputPaths, output_paths
from pipeline.plan.playback import plan_playback, playback_notes
from pipeline.plan.shot_list import SECTION_BARS, Entry, name_errors
from pipeline.plan.shot_plan import ShotPlan, plan_shot
from pipeline.plan.song import Song, check_stems, make_signals, plan_song
from pipeline.plan.sound import check_sound, plan_sound, sound_notes
from pipeline.plan.timeline import Slot, Timeline
from pipeline.plan.unused_files import check_paths
from pipeline.timing.signals import Signals
from pipeline.timing.timecode import parse_fps, parse_time, show_time


def plan_film(config: RenderConfig, folder: Path, name: str, clips: ClipLibrary | None = None) -> FilmPlan:
    """The plan of a film of one shot or more; without ``output`` its files go to ``folder`` under ``name``.

    ``clips`` are the clips of earlier plans, which need no second decoding.

    Raises ConfigError for values that do not fit together, InputError for missing or damaged files.
    """
    check_paths(config)
    outputs = output_paths(config, folder, name)
    clips = clips or ClipLibrary(config.limits, (outputs.film, outputs.poster, outputs.record))
    plan = _plan_shots if config.film else _plan_one_shot
    film = plan(config, outputs, clips)
    film = _resolve_encoder(replace(film, playback=plan_playback(film)))
    if film.config.audio.kind == "source" and film.song is None:
        film = replace(film, shots=tuple(_check_sound(shot) for shot in film.shots))
    notes = [
        *(note for shot in film.shots for note in shot.notes),
        *film.notes,
        *playback_notes(film),
        *sound_notes(film),
    ]
    film = _with_part(replace(film, notes=tuple(dict.fromkeys(notes))))
    film = replace(film, notes=(*film.notes, *delivery_notes(film)))
    selected_shots(film)
    check_sound(film)
    return close_loop(film) if config.loop else film


def _plan_one_shot(config: RenderConfig, outputs: OutputPaths, clips: ClipLibrary) -> FilmPlan:
    if config.shots is not None:
        raise ConfigError("shots", config.shots, "this film has one shot only; frames=0..48 renders a part of it")
    footage = clips.plan(config.source, config.frame.fps, config.duration)
    fps = footage.fps if footage else parse_fps(config.frame.fps, "frame.fps")
    song, signals = _plan_music(config, fps)
    seconds = _duration(config, fps, footage.seconds if footage else song.seconds if song else None, signals)
    if footage and round(seconds * fps) > footage.frames:
        raise ConfigError("duration", config.duration, f"the footage lasts {show_time(footage.seconds)}")
    shot = _with_mask(plan_shot(config, seconds, fps, signals, footage), clips)
    return FilmPlan(config, config, outputs, (shot,), signals, song)


def _plan_music(config: RenderConfig, fps: Fraction) -> tuple[Song | None, Signals]:
    check_stems(config.audio)
    song = plan_song(config.audio, fps) if config.audio.path or config.audio.kind == "file" else None
    return song, make_signals(config.audio, song, fps)


def _duration(config: RenderConfig, fps: Fraction, whole: float | None, signals: Signals) -> float:
    """The film's length in seconds; ``whole``: that of its footage or song."""
    written = config.duration if config.duration is not None else "100%" if whole else DEFAULT_DURATION
    seconds = parse_time(written, fps=fps, key="duration", duration=whole, grid=signals.grid, is_length=config.loop)
    if round(seconds * fps) >= 1 and seconds <= config.limits.hours * 3600:
        return seconds
    allowed = f"allowed is one frame to {config.limits.hours:g} hours (limits.hours)"
    if config.duration is not None or not whole:
        raise ConfigError("duration", config.duration, allowed)
    of_footage = config.source.kind == "video"
    key, path = ("source.path", config.source.path) if of_footage else ("audio.path", config.audio.path)
    raise ConfigError(key, path, f"the film would be as long, {show_time(whole)}; {allowed}")


def _with_part(film: FilmPlan) -> FilmPlan:
    """The film with the frames of ``frames=FIRST..END``. Raises ConfigError."""
    config, frames = film.config, film.frames
    if config.frames is None:
        return film
    match = re.fullmatch(r"\s*(\d{1,9})\s*\.\.\s*(\d{1,9})\s*", config.frames)
    first, stop = (int(number) for number in match.groups()) if match else (0, 0)
    if not first < stop <= frames:
        raise ConfigError("frames", config.frames, f"needs FIRST..END, within 0..{frames}, as in 0..{min(frames, 48)}")
    silent = ("frames= renders pictures alone; only the whole film has sound",) if plan_sound(film) else ()
    return replace(film, part=range(first, stop), notes=(*film.notes, *silent))


def _plan_shots(request: RenderConfig, outputs: OutputPaths, clips: ClipLibrary) -> FilmPlan:
    """The plan of a film with a list of shots. Raises ConfigError naming the shot."""
    config, bare_frame = _resolve_frame(request, clips)
    fps = parse_fps(config.frame.fps, "frame.fps")
    song, signals = _plan_music(config, fps)
    sections = song.sections(config.audio, signals.grid) if song else []

    def footage_seconds(key: str, entry: Entry) -> float | None:
        with name_errors(key):
            footage = clips.plan(shot_list.shot_config(config, entry).source, config.frame.fps)
        return footage.seconds if footage else None

    frames = _given_frames(config, song, fps, signals)
    timeline = Timeline(fps, signals.grid, [at for at, _ in sections], frames, footage_seconds)
    entries, scaled = _entries(config, sections, timeline), list[str]()
    if song is None and config.film != shot_list.AUTO:
        entries, scaled = timeline.scale(entries)
    slots, notes = timeline.fit(timeline.slots(entries))
    notes += scaled
    if config.film == shot_list.AUTO and len(slots) == 1:
        what = "one section is detected in the song" if song else "the film is as short as one section"
        notes.append(f"film=auto: {what}, so the film is one shot")
    configs = []
    for slot in slots:
        with name_errors(slot.key):
            configs.append(_shot_config(config, bare_frame, slot))
            clips.expect(configs[-1].source, config.frame.fps, float(slot.frames / fps))
    shots = []
    for number, (slot, own) in enumerate(zip(slots, configs, strict=True)):
        tail = slots[number + 1].head if number + 1 < len(slots) else 0
        played = signals.since(float(slot.begin / fps), 0.5 / float(fps)) if number else signals
        with name_errors(slot.key):
            shot = _plan_listed_shot(own, slot, fps, clips)
        shots.append(replace(shot, index=number, signals=played, handles=Handles(slot.transition, slot.head, tail)))
        if (shot.width, shot.height) != (shots[0].width, shots[0].height):
            raise ConfigError(f"{slot.key}.source.path", own.source.path, "all shots need frames of one size")
    return FilmPlan(config, request, outputs, tuple(shots), signals, song, notes=tuple(notes))


def _plan_listed_shot(config: RenderConfig, slot: Slot, fps: Fraction, clips: ClipLibrary) -> ShotPlan:
    seconds = float(slot.frames / fps)
    if seconds > config.limits.hours * 3600:
        allowed = f"allowed is one frame to {config.limits.hours:g} hours (limits.hours)"
        raise ConfigError("duration", show_time(seconds), allowed)
    footage = clips.plan(config.source, config.frame.fps, seconds)
    if footage and slot.frames > footage.frames:
        raise ConfigError("duration", show_time(seconds), f"the footage lasts {show_time(footage.seconds)}")
    # Beats of start.unfold count from the shot's start at the tempo of audio.bpm, whatever song plays.
    metronome = make_signals(replace(config.audio, markers=None, signals=None), None, fps)
    return _with_mask(plan_shot(config, seconds, fps, metronome, footage), clips)


def _with_mask(shot: ShotPlan, clips: ClipLibrary) -> ShotPlan:
    plan_chunks(shot)  # checks farm.chunk
    mask, notes = plan_mask(shot.config, clips, shot.fps, shot.frames)
    return replace(shot, mask=mask, notes=(*shot.notes, *notes))


def _shot_config(config: RenderConfig, bare_frame: FrameConfig, slot: Slot) -> RenderConfig:
    """The settings of one shot; ``bare_frame`` is the frame of a shot without footage."""
    shot = shot_list.shot_config(config, slot.entry)
    if shot.source.kind in ("none", "imagine"):
        shot.frame = bare_frame
    if slot.transition == "zoom_through":
        shot.start.kind, shot.start.unfold = "noise", "0s"
        if shot.source.kind != "none":
            words = "footage begins with its own first picture; use a crossfade"
            raise ConfigError("transition", slot.transition, words)
    return shot


def _entries(config: RenderConfig, sections: list[tuple[float, int]], timeline: Timeline) -> list[tuple[str, Entry]]:
    """The written entries; for film=auto one for each of the song's ``sections`` (second, kind), equal kinds with equal
    presets. Its first shot drops its transition.
    """
    written = list(shot_list.entries(config))
    if not isinstance(config.film, str):
        return written
    written = [(key, {**entry, "duration": "section"} if _follows_footage(entry) else entry) for key, entry in written]
    if sections:
        kinds = [kind for at, kind in sections if timeline.total is None or round(at * timeline.fps) < timeline.total]
        order = list(dict.fromkeys(kinds))
        chosen = [written[order.index(kind) % len(written)] for kind in kinds]
    else:
        untimed = round(parse_time(DEFAULT_DURATION, fps=timeline.fps, key="duration") * timeline.fps)
        end = timeline.grid.beat(float((timeline.total or untimed) / timeline.fps))
        count = max(1, round(end / timeline.grid.beats_per_bar / SECTION_BARS))
        chosen = [written[number % len(written)] for number in range(count)]
    key, first = chosen[0]
    return [(key, {word: value for word, value in first.items() if word != "transition"}), *chosen[1:]]


def _follows_footage(entry: Entry) -> bool:
    """Whether an entry lasts a percentage of its footage, as a preset for footage says."""
    return "%" in str(entry.get("duration", ""))


def _given_frames(config: RenderConfig, song: Song | None, fps: Fraction, signals: Signals) -> int | None:
    """The film's length in frames, if its duration or its song gives one.

    The ``100%`` of a footage preset refers to each footage, not to the film.
    """
    if song is None and config.duration in (None, "100%"):
        end = signals.grid.time(4 * SECTION_BARS * signals.grid.beats_per_bar)
        return round(end * fps) if config.film == shot_list.AUTO else None
    written = "100%" if config.duration is None else config.duration
    whole = song.seconds if song else None
    return round(
        fps * parse_time(written, fps=fps, key="duration", duration=whole, grid=signals.grid, is_length=config.loop)
    )


def _resolve_frame(config: RenderConfig, clips: ClipLibrary) -> tuple[RenderConfig, FrameConfig]:
    """(the config with a known frame rate, the frame of a shot without footage): where not given, the first footage
    decides.
    """
    frame = config.frame
    if frame.fps != "source" and frame.width and frame.height:
        return config, frame
    for key, entry in shot_list.entries(config):
        with name_errors(key):
            footage = clips.plan(shot_list.shot_config(config, entry).source, frame.fps)
        if footage is not None:
            frame = replace(frame, fps=str(footage.fps))
            width, height = unfitted_size(frame, (footage.clip.width, footage.clip.height))
            aspect = frame.aspect if frame.fit else None  # else width and height have it, rounded
            return replace(config, frame=frame), replace(frame, width=width, height=height, aspect=aspect)
    return config, frame


def _resolve_encoder(film: FilmPlan) -> FilmPlan:
    """The film with an encoder that works on this machine."""
    encode, fallback = resolve_encoder(film.config.encode, film.width, film.height)
    shots = tuple(replace(shot, config=replace(shot.config, encode=encode)) for shot in film.shots)
    notes = [note for note in (fallback, *codec_notes(film.outputs.video, encode.codec, film.shown_fps)) if note]
    return replace(film, config=replace(film.config, encode=encode), shots=shots, notes=(*notes, *film.notes))


def _check_sound(shot: ShotPlan) -> ShotPlan:
    if shot.footage is None:
        return shot
    footage = shot.footage.with_checked_sound(shot.frames, salvage=shot.config.source.salvage)
    return replace(shot, footage=footage, notes=(*shot.notes, *footage.clip.notes))
