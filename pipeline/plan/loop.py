"""The plan of a film that loops: its first shot gets a run-up, to which the end of its last is led. No torch."""

import math
from dataclasses import replace

from pipeline.errors import ConfigError
from pipeline.plan.shot_list import RUN_UP
from pipeline.plan.shot_plan import Plan
from pipeline.timing.timecode import show_time

OFF_BEAT = 0.02  # bars by which a loop may miss a whole number of them without a word


def close(film: Plan) -> Plan:
    """The film, of one shot or of several, as a loop. Raises ConfigError for what cannot be one."""
    plans = film.shots or (film,)
    first, last = plans[0], plans[-1]
    for number, plan in enumerate(plans, 1):
        if plan.stretch is not None:
            which = f"shot {number} is footage, which" if film.shots else "footage"
            raise ConfigError("loop", "true", f"{which} does not end where it began; loop=true is for films without")
    run_up = min(round(RUN_UP * film.fps), (last.frames - last.link.head) // 2, (first.frames - first.link.tail) // 2)
    if run_up < 2:
        raise ConfigError("loop", "true", f"a loop needs a few frames; its shots have {first.frames} and {last.frames}")
    if film.config.frames is not None:
        raise ConfigError("frames", film.config.frames, "a loop is rendered as a whole")
    notes = (*film.notes, *_notes(film, run_up))
    period = 0 if film.shots else first.frames
    opened = replace(
        first, frames=first.frames + run_up, opening=0, link=replace(first.link, run_up=run_up, period=period)
    )
    if not film.shots:
        return replace(opened, notes=notes, link=replace(opened.link, back=run_up))
    if len(plans) == 1:
        return replace(film, notes=notes, shots=(replace(opened, link=replace(opened.link, back=run_up)),))
    ended = replace(last, link=replace(last.link, back=run_up))
    return replace(film, notes=notes, shots=(opened, *plans[1:-1], ended))


def _notes(film: Plan, run_up: int) -> list[str]:
    """What a person should know about the loop, above all what of the film does not loop."""
    said = []
    if (film.shots or (film,))[0].opening:
        said.append("loop=true: start.unfold is left out")
    if len(film.shots) > 1:
        lasts = show_time(float(run_up / film.fps))
        said.append(f"loop=true: shot {len(film.shots)} turns into the beginning of shot 1 over its last {lasts}")
    if film.song is not None and film.config.audio.kind != "none":
        said.append("loop=true is for the pictures: the song breaks off where the film begins again")
    if film.song is not None or film.config.audio.bpm is not None:
        said += _stumbles(film)
    return said


def _stumbles(film: Plan) -> list[str]:
    """Whether the beat goes on where the film begins again; else with how many bars it would."""
    grid = film.signals.grid
    start, seconds = grid.beat(0.0), float(film.length / film.fps)
    bars = (grid.beat(seconds) - start) / grid.beats_per_bar

    def lasts(count: int) -> float:
        return grid.time(start + count * grid.beats_per_bar)

    whole = max(1, round(bars))
    if abs(bars - whole) <= OFF_BEAT or round(lasts(whole) * film.fps) == film.length:
        return []
    room = film.song.seconds if film.song is not None else math.inf
    while whole > 1 and lasts(whole) > room:
        whole -= 1
    return [f"the loop lasts {bars:.3g} bars, and the beat stumbles; with duration={whole}bar it goes on"]
