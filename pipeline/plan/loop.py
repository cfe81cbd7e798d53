"""Makes a film loop: its first shot gets a pre-roll, into which the end of its last shot is blended. No torch."""

import math
from dataclasses import replace

from pipeline.errors import ConfigError
from pipeline.plan.film_plan import FilmPlan
from pipeline.timing.timecode import show_time

PRE_ROLL_SECONDS = 1.5
MAX_OFF_BEAT_BARS = 0.02  # by which a loop may miss a whole number of bars without a note
MAX_AGE_STEP = 0.02  # of imagine.age, without a note


def close_loop(film: FilmPlan) -> FilmPlan:
    """The film as a loop. Raises ConfigError for one that cannot loop."""
    first, last = film.shots[0], film.shots[-1]
    _check_shots(film)
    rooms = (last.frames - last.handles.head) // 2, (first.frames - first.handles.tail) // 2
    pre_roll = min(round(PRE_ROLL_SECONDS * film.fps), *rooms)
    if pre_roll < 2:
        raise ConfigError("loop", "true", f"a loop needs a few frames; its shots have {first.frames} and {last.frames}")
    shots = list(film.shots)
    shots[-1] = replace(last, handles=replace(last.handles, loop_overlap=pre_roll))
    period = 0 if film.config.film else first.frames
    handles = replace(shots[0].handles, pre_roll=pre_roll, loop_period=period)
    shots[0] = replace(shots[0], frames=first.frames + pre_roll, opening=0, handles=handles)
    return replace(film, notes=(*film.notes, *_notes(film, pre_roll)), shots=tuple(shots))


def _check_shots(film: FilmPlan) -> None:
    frame = film.config.frame
    if frame.projection == "dome" or frame.stereo != "none":
        words = "the end of a film is led back to frames that are its whole picture: not of a dome or two eyes"
        raise ConfigError("loop", "true", words)
    for number, shot in enumerate(film.shots, 1):
        if shot.footage is not None:
            which = f"shot {number} is footage, which" if film.config.film else "footage"
            words = f"{which} does not end where it began; loop=true is for films without"
            raise ConfigError("loop", "true", words)


def _notes(film: FilmPlan, pre_roll: int) -> list[str]:
    """Notes for the user, above all on what does not loop."""
    notes = []
    if film.shots[0].opening:
        notes.append("loop=true: start.unfold is left out")
    if film.shots[0].config.color != film.shots[-1].config.color:
        notes.append(
            "loop=true: the colors of the last shot are not those of the first; they jump where the loop begins"
        )
    if any(shot.mask is not None and shot.mask.video for shot in film.shots):
        notes.append("loop=true: the mask moves; unless it loops itself, it jumps where the loop begins")
    ages = [
        shot.imagine.age(float(shot.frames / film.fps) * end) for shot in film.shots if shot.imagine for end in (0, 1)
    ]
    if ages and abs(ages[-1] - ages[0]) > MAX_AGE_STEP:
        notes.append("loop=true: the generator is not as old at the end as at the start (imagine.age); it jumps there")
    if len(film.shots) > 1:
        seconds = show_time(float(pre_roll / film.fps))
        notes.append(f"loop=true: shot {len(film.shots)} turns into the beginning of shot 1 over its last {seconds}")
    if film.song is not None and film.config.audio.kind != "none":
        notes.append("loop=true applies to the pictures: the song breaks off where the film begins again")
    audio = film.config.audio
    if film.song is not None or any(each is not None for each in (audio.bpm, audio.markers, audio.signals)):
        notes += _beat_notes(film)
    return notes


def _beat_notes(film: FilmPlan) -> list[str]:
    """A note with the number of bars to use, unless the beat continues where the film begins again."""
    grid = film.signals.grid
    start, seconds = grid.beat(0.0), float(film.frames / film.fps)
    bars = (grid.beat(seconds) - start) / grid.beats_per_bar

    def lasts(count: int) -> float:
        return grid.time(start + count * grid.beats_per_bar)

    whole = max(1, round(bars))
    if abs(bars - whole) <= MAX_OFF_BEAT_BARS or round(lasts(whole) * film.fps) == film.frames:
        return []
    song_seconds = film.song.seconds if film.song is not None else math.inf
    while whole > 1 and lasts(whole) > song_seconds:
        whole -= 1
    return [f"the loop lasts {bars:.3g} bars, so the beat stumbles; duration={whole}bar keeps it steady"]
