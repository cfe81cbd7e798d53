"""The sound of a film: its song, else the sound of each shot's footage. No torch."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from pipeline.media.encode.codecs import find_codec, find_muxer
from pipeline.media.sound.mix import DECLICK_SECONDS, Part, SoundMix
from pipeline.media.sound.source_audio import Audible, Sound, check_channels, check_encoding
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.handles import Handles
from pipeline.plan.transition_table import TRANSITIONS
from pipeline.timing.timecode import parse_time

MIN_NOTED_SECONDS = 0.1  # of sound lost before the first picture


def plan_sound(film: FilmPlan) -> Audible | None:
    """What plays under the film. Raises InputError."""
    audio, fps = film.config.audio, film.fps
    if audio.kind != "none" and film.song is not None:
        return film.song.sound(film.seconds, audio, fps)
    if film.playback is not None and film.playback.is_changed:
        return None
    fade = parse_time(audio.fade_out, fps=fps, key="audio.fade_out", duration=float(film.frames / fps))
    sounds = [shot.footage.sound(shot.frames, audio.kind) if shot.footage else None for shot in film.shots]
    if len(sounds) == 1 and not fade:
        return sounds[0]
    shots = [(sound, shot.handles, shot.frames) for sound, shot in zip(sounds, film.shots, strict=True)]
    return mix_shots(shots, fps, fade)


def sound_notes(film: FilmPlan) -> list[str]:
    """What the user should know about the sound. Raises ConfigError where the film's file cannot hold it."""
    video, codec = film.outputs.video, film.config.encode.codec
    if film.song is not None:
        return film.song.notes(film.config.audio, film.seconds, video, codec)
    sound = plan_sound(film)
    if sound is None:
        return []
    muxer = find_muxer(find_codec(codec), video)
    notes = [sound.note(muxer)]
    footage = film.shots[0].footage
    if isinstance(sound, Sound) and footage is not None:
        check_channels(sound.tracks, muxer)
        late = float(footage.clip.times[0])
        if sound.start == late > MIN_NOTED_SECONDS:
            notes.append(f"the first {late:.2f} s of sound come before the first picture and are left out")
    elif len(film.shots) > 1 and not notes[0]:
        silent = [n for n, shot in enumerate(film.shots, 1) if not (shot.footage and shot.footage.clip.audio)]
        silence = f"; {_list_shots(silent)} silent" if silent else ""
        advice = "audio.path=song.mp3 plays one song instead, audio=none nothing"
        notes.append(f"each shot plays the sound of its footage{silence}; {advice}")
    return [note for note in notes if note]


def check_sound(film: FilmPlan) -> None:
    """Encode all sound of the film once, because nothing may fail when its last frame is done. Raises InputError."""
    sound = plan_sound(film)
    if sound is not None and film.part is None:
        check_encoding(sound, find_muxer(find_codec(film.config.encode.codec), film.outputs.video))


def _list_shots(numbers: Sequence[int]) -> str:
    *rest, last = map(str, numbers)
    return f"shots {', '.join(rest)} and {last} are" if rest else f"shot {last} is"


def mix_shots(
    shots: Sequence[tuple[Sound | None, Handles, int]], fps: Fraction, fade_out: float = 0.0
) -> SoundMix | None:
    """The sounds of all shots, each as (sound, handles, frames); None if all are silent.

    A crossfade plays both at equal power; a dip lets one fall, then the other rise. Sound that continues in the next
    shot as it does in the file is not faded. Raises InputError.
    """
    parts: list[Part] = []
    for part in _parts(shots, fps):
        if parts and parts[-1].goes_on(part):
            parts[-1] = replace(parts[-1], end=part.end, fall=part.fall)
        else:
            parts.append(part)
    frames = sum(frames - handles.hidden for _, handles, frames in shots)
    return SoundMix(tuple(parts), float(frames / fps), fade_out) if parts else None


def _parts(shots: Sequence[tuple[Sound | None, Handles, int]], fps: Fraction) -> Iterator[Part]:
    """The sound of each shot with its place in the film."""
    begin = 0  # film frame at which the shot begins
    for number, (sound, handles, frames) in enumerate(shots):
        begin -= handles.head
        transition = shots[number + 1][1].transition if number + 1 < len(shots) else "cut"
        rise, fall = float(handles.head / fps), float(handles.tail / fps)
        late = rise * (1 - TRANSITIONS[handles.transition].sound_fraction)
        early = fall * (1 - TRANSITIONS[transition].sound_fraction)
        if sound is not None:
            yield Part(
                sound.path,
                sound.start + late,
                float(begin / fps) + late,
                float((begin + frames) / fps) - early,
                max(DECLICK_SECONDS, rise - late),
                max(DECLICK_SECONDS, fall - early),
                sound.tracks[0],
            )
        begin += frames
