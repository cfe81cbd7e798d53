"""Codecs by name, their suffixes, and what can be written where."""

import math
from fractions import Fraction
from pathlib import Path

from pipeline.errors import ConfigError, OutputError, nearest
from pipeline.media.encode import image_sequence
from pipeline.media.encode.codec_table import CODECS, SEGMENTS, Codec
from pipeline.runtime.files import check_writable

MAX_GIF_FPS = 50  # players show a faster GIF much slower


def find_codec(name: str) -> Codec:
    """The codec by name. Raises ConfigError naming the choices."""
    if name not in CODECS:
        allowed = f"allowed are {', '.join(CODECS)}{nearest(name, CODECS)}"
        raise ConfigError("encode.codec", name, allowed)
    return CODECS[name]


def find_muxer(codec: Codec, path: Path, *, segment: bool = False) -> str:
    """ffmpeg's format for the suffix of a film or a ``segment``. Raises OutputError naming the suffixes."""
    suffix = path.suffix.lower()
    muxers = {codec.segment: SEGMENTS[codec.segment]} if segment else codec.muxers
    if suffix not in muxers:
        ending = f"ends in {path.suffix}" if path.suffix else "has no ending"
        allowed = ", ".join(filter(None, muxers))
        raise OutputError(f"{path} {ending}; allowed for {codec.name} are {allowed}")
    return muxers[suffix]


def segment_suffix(codec_name: str, alpha: str = "none") -> str:
    """The suffix, such as ``.mp4``, of the segments of a film in this codec; ``alpha`` as in ``encode.alpha``."""
    codec = find_codec(codec_name)
    return (alpha != "none" and codec.alpha_segment) or codec.segment


def film_suffix(codec_name: str) -> str:
    """The default suffix of a film in this codec; numbered pictures, in a folder, have none."""
    return next(iter(find_codec(codec_name).muxers))


def finished_path(path: Path, codec_name: str) -> Path:
    """The path that exists once the film ``path`` is finished: itself, or the folder of its numbered pictures."""
    codec = find_codec(codec_name)
    return image_sequence.split(path, codec.picture)[0] if find_muxer(codec, path) == "image2" else path


def check_output(path: Path, overwrite: bool, codec: str = "h264") -> None:
    """Check, before anything is rendered, that ``path`` can become a video; its folder is created.

    Raises OutputError for a wrong suffix, an existing file without ``overwrite``, a folder, or a path that cannot be
    written.
    """
    if find_muxer(find_codec(codec), path) == "image2":
        image_sequence.check_sequence_output(path, overwrite, find_codec(codec).picture)
    else:
        check_writable(path, overwrite=overwrite)


def codec_notes(path: Path, codec: str, fps: Fraction) -> list[str]:
    """Notes about a film in this codec at this frame rate."""
    if find_muxer(find_codec(codec), path) != "gif":
        return []
    notes, step = [], gif_step(fps)
    if step > 1:
        limit = f"players slow down a GIF of more than {MAX_GIF_FPS} frames a second"
        notes.append(f"{limit}; it shows one of {step} frames")
    if (100 * step / fps).denominator > 1:
        notes.append("a GIF counts hundredths of a second; its frame times are rounded, and right in total")
    return notes


def gif_step(fps: Fraction) -> int:
    """A GIF shows every how many frames, because players slow down more than ``MAX_GIF_FPS``."""
    return math.ceil(fps / MAX_GIF_FPS)
