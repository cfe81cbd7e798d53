"""What is made of the finished frames besides the video: checks and notes before the first frame. No torch."""

from pipeline.errors import ConfigError
from pipeline.media.encode.captions import SUBTITLES
from pipeline.media.encode.codecs import find_codec, find_muxer
from pipeline.plan.edit_export import cues
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.sound import plan_sound
from pipeline.timing.timecode import parse_time, show_time


def cover_seconds(film: FilmPlan) -> float:
    """The second of the cover's still. Raises ConfigError."""
    whole, grid = float(film.seconds), film.signals.grid
    seconds = parse_time(film.config.encode.cover, fps=film.shown_fps, key="encode.cover", duration=whole, grid=grid)
    if seconds > whole:
        raise ConfigError("encode.cover", film.config.encode.cover, f"the film lasts {show_time(whole)}")
    return seconds


def delivery_notes(film: FilmPlan) -> list[str]:
    """Which settings of the delivery have no effect on this film. Raises ConfigError for a time that cannot be."""
    encode, notes = film.config.encode, []
    cover_seconds(film)
    if encode.loudness is not None and plan_sound(film) is None:
        notes.append("encode.loudness has no effect: the film has no sound")
    for key, kind in (("encode.chapters", encode.chapters), ("encode.subtitles", encode.subtitles)):
        if kind == "none":
            continue
        if find_muxer(find_codec(encode.codec), film.outputs.video) not in SUBTITLES:
            notes.append(f"{key} has no effect: this kind of file holds none; .mp4, .mov, .mkv and .webm do")
        elif kind == "cues" and not cues(film):
            notes.append(f"{key} has no effect: the film has no cues (audio.markers=), and its music no sections")
    if film.part is not None and (encode.also or encode.chapters != "none" or encode.subtitles != "none"):
        notes.append("frames= renders pictures alone; chapters, subtitles and encode.also are of the whole film")
    return notes
