"""Segments into one finished film: pictures copied as they are, sound and record added once."""

import shutil
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

from pipeline.config import EncodeConfig
from pipeline.errors import EncoderError, InputError, OutputError
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import count_frames
from pipeline.media.encode.animated_image import draw
from pipeline.media.encode.codecs import find_muxer
from pipeline.media.encode.color_tags import SRGB_TAGS
from pipeline.media.encode.concat import chained, patience
from pipeline.media.encode.encode_args import SAME_BYTES, Coding, check_size, coding_of, container
from pipeline.media.encode.image_sequence import first_picture, place_series
from pipeline.media.encode.image_sequence import split as split_series
from pipeline.media.encode.metadata import metadata, read_comment, write_comment
from pipeline.media.sound.source_audio import Audible
from pipeline.runtime.files import move_into_place, part_path


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
    sound: Audible | None = None,
    strict: bool = True,
    announce: Callable[[Path], None] = lambda fresh: None,
) -> None:
    """Make ``segments``, in order, the film ``final`` with its run record inside; the segments stay.

    ``sound`` is laid under the pictures where the container holds sound; unless ``strict``, what of it cannot be
    decoded is left out, and the pictures are counted as always. ``record`` is any text. Frame n is shown at
    n / ``fps`` seconds, as near as the container's clock can tell. Raises InputError for a segment that cannot be
    read, EncoderError when not exactly ``frames`` frames arrive or the record does not read back, OutputError when
    ``final`` appeared meanwhile without ``overwrite``. ``announce`` is told of the complete film just before it gets
    its name.
    """
    coding = coding_of(encode)
    muxer, doing = find_muxer(coding.codec, final), f"finishing {final}"
    check_size(final, coding.codec, width, height)
    series = muxer == "image2"
    fresh = part_path(split_series(final)[0] if series else final, "finished")
    try:
        if series:
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True)
        if coding.codec.animation:
            draw(segments, fresh, final, coding, fps, frames)
            if record:
                write_comment(first_picture(fresh) if series else fresh, record)
        else:
            _join(segments, fresh, coding, muxer, fps, metadata(title, record), sound, strict, doing)
            found = count_frames(fresh)
            if found != frames:
                raise EncoderError(f"{doing} failed: {found} of {frames} frames are in the segments")
        if read_comment(first_picture(fresh) if series else fresh) != (record or None):
            size = len(record.encode())
            raise EncoderError(f"{doing} failed: its record of {size} bytes does not read back")
        announce(fresh)
        (place_series if series else move_into_place)(fresh, final, overwrite=overwrite)
    except FileExistsError:
        kept = f"its {len(segments)} segments are in {segments[0].parent}"
        raise OutputError(f"{final} appeared while the film was rendered; {kept}") from None
    except OSError as error:
        raise OutputError(f"{final} cannot be written: {error.strerror}") from error
    finally:
        if series:
            shutil.rmtree(fresh, ignore_errors=True)
        else:
            fresh.unlink(missing_ok=True)


def read_record(path: Path) -> str:
    """The run record inside a finished film, of pictures in a folder too. Raises InputError when there is none."""
    record = read_comment(first_picture(path))
    if record is None:
        raise InputError(f"{path} holds no run record")
    return record


def _join(
    segments: Sequence[Path],
    fresh: Path,
    coding: Coding,
    muxer: str,
    fps: Fraction,
    tags: bytes,
    sound: Audible | None,
    strict: bool,
    doing: str,
) -> None:
    """Copy the pictures of all segments, and the sound, into the one file ``fresh``."""
    with chained(segments, fresh) as source:
        arguments = [
            *(["-xerror"] if strict else []),
            *source,
            "-protocol_whitelist",
            "pipe",
            "-f",
            "ffmetadata",
            "-i",
            "pipe:0",
        ]
        arguments += sound.inputs() if sound else []
        arguments += ["-map", "0:v:0", "-map_metadata", "1", "-c", "copy"]
        arguments += ["-bsf:v", _timing(fps, coding.codec.delay), *SAME_BYTES, *container(coding.codec, muxer, fps)]
        arguments += SRGB_TAGS if coding.whole else []
        arguments += sound.outputs(muxer, index=2) if sound else []
        if muxer in ("mp4", "mov"):
            arguments += ["-movflags", "+faststart"]  # plays while it is still being downloaded
        arguments += ["-f", muxer, "-y", f"file:{fresh}"]
        limit = patience([*segments, *(sound.files if sound else [])])
        ffmpeg.run(arguments, doing=doing, timeout=limit, input=tags)


def _timing(fps: Fraction, delay: int) -> str:
    """A bitstream filter that gives packets times of whole frames, of which each is a whole number of ticks (``TB``).

    Packets come in decoding order, ``delay`` frames ahead of showing; without delay their number is their time. With
    it, the joined times are sums of the segments' lengths, each rounded to a microsecond: far less than half a frame
    off, so that rounding them to frames makes them exact. (A short segment alone would say a smaller delay.)
    """
    per_tick = f"(TB*{fps.numerator}/{fps.denominator})"  # frames
    frame = f"round(PTS*{per_tick})" if delay else "N"
    shown, decoded, tick = (f"round({n}/{per_tick})" for n in (frame, f"(N-{delay})", 1))
    return f"setts=pts={shown}:dts={decoded}:duration={tick}"
