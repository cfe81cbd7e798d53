"""What is made of the finished frames besides the video: checks and notes before the first frame. No torch."""

from pipeline.errors import ConfigError
from pipeline.media.encode.captions import SUBTITLES
from pipeline.media.encode.codecs import find_codec, find_muxer
from pipeline.plan.film_pieces import cues
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
    _check_alpha(film)
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


def _check_alpha(film: FilmPlan) -> None:
    """Raise ConfigError where the film's file holds no opacity, or a shot has none to give."""
    alpha, codec = film.config.encode.alpha, find_codec(film.config.encode.codec)
    suffix = film.outputs.video.suffix.lower()
    if alpha == "none":
        return
    if codec.alpha_suffixes and suffix not in codec.alpha_suffixes:
        allowed = " and ".join(codec.alpha_suffixes)
        raise ConfigError(
            "encode.alpha", alpha, f"{suffix} holds no opacity with {codec.name}; output= in {allowed} does"
        )
    if film.playback is not None:
        raise ConfigError("encode.alpha", alpha, "a film with opacity plays as it is dreamed, at its own rate")
    if film.part is not None and codec.name == "vp9":
        raise ConfigError("encode.alpha", alpha, "frames= cannot cut vp9 with opacity; take prores or png")
    if alpha == "mask" and not any(shot.mask or shot.config.dream.mask != "none" for shot in film.shots):
        raise ConfigError("encode.alpha", alpha, "there is no mask: dream.mask=FILE, motion, still or luma")
