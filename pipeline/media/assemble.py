"""Segments into one finished film: pictures copied as they are, sound and record added once."""

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from pipeline.config import EncodeConfig
from pipeline.errors import EncoderError, InputError, OutputError
from pipeline.media import ffmpeg
from pipeline.media.codecs import Codec, find_codec, find_muxer
from pipeline.media.containers import SAME_BYTES, clock
from pipeline.media.files import part_path, place
from pipeline.media.sound import Sound
from pipeline.media.video import FORMATS, count_frames, source

COPYING = 5e6  # bytes a second that even a slow disk copies


def assemble(
    segments: Sequence[Path],
    final: Path,
    *,
    encode: EncodeConfig,
    width: int,
    height: int,
    fps: Fraction,
    frames: int,
    record: str,
    title: str,
    overwrite: bool,
    sound: Sound | None = None,
) -> None:
    """Join ``segments``, in order, into the video ``final`` with its run record inside; the segments stay.

    ``sound`` is laid under the pictures, ``record`` is any text. Frame n is shown at n / ``fps`` seconds, as near as
    the container's clock can tell. Raises InputError for a segment that cannot be read, EncoderError when not exactly
    ``frames`` frames arrive or the record does not read back, OutputError when ``final`` appeared meanwhile without
    ``overwrite``.
    """
    codec = find_codec(encode.codec)
    muxer = find_muxer(codec, final)
    fresh = part_path(final, "finished")
    doing = f"joining {final}"
    try:
        _join(segments, fresh, codec, muxer, fps, _tags(title, record), sound, doing)
        found = count_frames(fresh)
        if found != frames:
            raise EncoderError(f"{doing} failed: {found} of {frames} frames are in the segments")
        if _comment(fresh) != (record or None):
            size = len(record.encode())
            raise EncoderError(f"{doing} failed: its record of {size} bytes does not read back")
        place(fresh, final, overwrite=overwrite)
    except FileExistsError:
        kept = f"; its segments are in {segments[0].parent}"
        raise OutputError(f"{final} appeared while the film was rendered{kept}") from None
    finally:
        fresh.unlink(missing_ok=True)


def read_record(path: Path) -> str:
    """The run record inside a finished video. Raises InputError when there is none."""
    record = _comment(path)
    if record is None:
        raise InputError(f"{path} holds no run record")
    return record


def _join(
    segments: Sequence[Path],
    fresh: Path,
    codec: Codec,
    muxer: str,
    fps: Fraction,
    tags: str,
    sound: Sound | None,
    doing: str,
) -> None:
    """Copy the pictures of all segments, and the sound, into the one file ``fresh``."""
    listed = part_path(fresh, "list")
    arguments = ["-xerror", *_listed(listed), "-protocol_whitelist", "pipe", "-f", "ffmetadata", "-i", "pipe:0"]
    arguments += sound.inputs() if sound else []
    arguments += ["-map", "0:v:0", "-map_metadata", "1", "-c", "copy", "-bsf:v", _timing(fps, codec.delay), *SAME_BYTES]
    arguments += sound.outputs(muxer, index=2) if sound else []
    arguments += clock(muxer, fps)
    if muxer in ("mp4", "mov"):
        arguments += ["-movflags", "+faststart"]  # plays while it is still being downloaded
    arguments += ["-f", muxer, "-y", f"file:{fresh}"]
    weight = sum(path.stat().st_size for path in (*segments, *([sound.path] if sound else [])) if path.exists())
    try:
        listed.write_text(_list(segments), encoding="utf-8", errors="surrogateescape")
        ffmpeg.run(arguments, doing=doing, timeout=120.0 + weight / COPYING, input=tags.encode())
    except OSError as error:
        raise OutputError(f"{listed.parent} cannot be written: {error.strerror}") from error
    finally:
        listed.unlink(missing_ok=True)


def _listed(path: Path) -> list[str]:
    """ffmpeg's input arguments for a list of segments: local files, and no format that a film is not made of."""
    return [
        *("-protocol_whitelist", "file", "-format_whitelist", f"concat,{FORMATS}"),
        *("-f", "concat", "-safe", "0", "-i", f"file:{path}"),
    ]


def _list(segments: Sequence[Path]) -> str:
    """The list of segments in the words of ffmpeg's concat demuxer."""
    lines = ["ffconcat version 1.0"]
    for segment in segments:
        if not segment.is_file():
            raise InputError(f"{segment}: there is no such segment")
        name = str(segment.absolute())
        if "\n" in name or "\r" in name:
            raise OutputError(f"{segment!s} cannot be joined: its name has a line end")
        quoted = name.replace("'", r"'\''")
        lines.append(f"file 'file:{quoted}'")
    return "\n".join([*lines, ""])


def _timing(fps: Fraction, delay: int) -> str:
    """A bitstream filter that gives packet times whole numbers of frames.

    The joined times are sums of the segments' lengths, each rounded to a microsecond: far less than half a frame
    off. Rounding them to frames makes them exact, since a frame is a whole number of a segment's ticks (``TB``).
    Packets come in decoding order, ``delay`` frames ahead: a short segment alone would say fewer.
    """
    per_tick = f"(TB*{fps.numerator}/{fps.denominator})"  # frames
    shown, decoded, tick = (f"round({n}/{per_tick})" for n in (f"round(PTS*{per_tick})", f"(N-{delay})", 1))
    return f"setts=pts={shown}:dts={decoded}:duration={tick}"


def _tags(title: str, record: str) -> str:
    """An ffmetadata file."""
    return f";FFMETADATA1\ntitle={_escape(title)}\ncomment={_escape(record)}\n"


def _comment(path: Path) -> str | None:
    arguments = [*source(path), "-f", "ffmetadata", "pipe:1"]
    text = ffmpeg.run(arguments, doing=f"reading {path}", failure=InputError).decode()
    # A value ends at the first line end without a backslash; Matroska names its tags in capitals.
    found = re.search(r"^comment=((?:\\.|[^\\\n])*)$", text, re.MULTILINE | re.DOTALL | re.IGNORECASE)
    return re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL) if found else None


def _escape(text: str) -> str:
    """The text as a value of an ffmetadata file."""
    return re.sub(r"([=;#\\\n\r])", r"\\\1", text)
