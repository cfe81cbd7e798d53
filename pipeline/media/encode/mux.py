"""Joins segments into one finished film: video packets copied, sound and record added once."""

import shutil
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

from pipeline.errors import EncoderError, InputError, OutputError
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import count_frames
from pipeline.media.encode.animated_image import make_animation
from pipeline.media.encode.captions import SUBTITLES, as_chapters, subtitle_input
from pipeline.media.encode.codecs import find_muxer
from pipeline.media.encode.concat import concat_input, copy_timeout
from pipeline.media.encode.encode_args import BITEXACT, SRGB_TAGS, Coding, check_size, coding_of, container_args
from pipeline.media.encode.float_pictures import PICTURES
from pipeline.media.encode.image_sequence import first_picture, move_sequence_into_place, split
from pipeline.media.encode.metadata import ffmetadata, read_comment, write_comment
from pipeline.media.encode.spherical import mark_spherical
from pipeline.media.encode.video_spec import VideoSpec
from pipeline.media.sound.source_audio import Audible
from pipeline.runtime.files import move_into_place, part_path


def assemble(
    segments: Sequence[Path],
    film: VideoSpec,
    *,
    sound: Audible | None = None,
    before_rename: Callable[[Path], None] = lambda part: None,
) -> None:
    """Make the ``film`` of ``segments``, in order; the segments stay.

    ``sound`` is added where the container holds sound, as much of it as can be decoded.
    ``before_rename`` gets the path of the complete film just before it is moved into place. Raises InputError for a
    segment that cannot be read, EncoderError for another number of frames or a record that does not read back,
    OutputError when the film appeared meanwhile without ``overwrite``.
    """
    coding = coding_of(film.encode)
    muxer, doing = find_muxer(coding.codec, film.path), f"finishing {film.path}"
    check_size(film.path, coding.codec, film.width, film.height)
    is_sequence = muxer == "image2"
    part = part_path(split(film.path, coding.codec.picture)[0] if is_sequence else film.path, "finished")
    try:
        if is_sequence:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
        if coding.codec.animation:
            make_animation(segments, part, film, coding)
            if film.record and coding.codec.name not in PICTURES:
                write_comment(first_picture(part) if is_sequence else part, film.record)
        else:
            _mux(segments, part, film, coding, sound)
            if film.is_sphere and muxer in ("mp4", "mov"):
                mark_spherical(part)
            count = count_frames(part)
            if count != film.frames:
                raise EncoderError(f"{doing} failed: {count} of {film.frames} frames are in the segments")
        if read_comment(first_picture(part) if is_sequence else part) != (film.record or None):
            raise EncoderError(f"{doing} failed: its record of {len(film.record.encode())} bytes does not read back")
        before_rename(part)
        (move_sequence_into_place if is_sequence else move_into_place)(part, film.path, overwrite=film.overwrite)
    except FileExistsError:
        where = f"its {len(segments)} segments are in {segments[0].parent}"
        raise OutputError(f"{film.path} appeared while the film was rendered; {where}") from None
    except OSError as error:
        raise OutputError(f"{film.path} cannot be written: {error.strerror}") from error
    finally:
        if is_sequence:
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def read_record(path: Path) -> str:
    """The run record inside a finished film, also of numbered pictures. Raises InputError when there is none."""
    record = read_comment(first_picture(path))
    if record is None:
        raise InputError(f"{path} holds no run record")
    return record


def _mux(segments: Sequence[Path], part: Path, film: VideoSpec, coding: Coding, sound: Audible | None) -> None:
    """Copy the video of all segments, and the sound, into the one file ``part``."""
    muxer = find_muxer(coding.codec, film.path)
    with concat_input(segments, part) as video, subtitle_input(film.subtitles, part) as subtitles:
        arguments = [*([] if sound else ["-xerror"]), *video]
        arguments += ["-protocol_whitelist", "pipe", "-f", "ffmetadata", "-i", "pipe:0", *subtitles]
        arguments += sound.inputs() if sound else []
        arguments += ["-map", "0:v:0", "-map_metadata", "1", "-map_chapters", "1" if film.chapters else "-1"]
        arguments += ["-c", "copy", "-bsf:v", _setts(film.fps, coding)]
        arguments += [*BITEXACT, *container_args(coding.codec, muxer, film.fps)]
        arguments += ["-metadata:s:v:0", "alpha_mode=1"] if coding.alpha and coding.codec.name == "vp9" else []
        arguments += SRGB_TAGS if coding.is_rgb else []
        arguments += ["-map", "2:s:0", "-c:s", SUBTITLES[muxer]] if subtitles else []
        arguments += sound.outputs(muxer, index=3 if subtitles else 2) if sound else []
        if muxer in ("mp4", "mov"):
            arguments += ["-movflags", "+faststart"]  # plays while it downloads
        arguments += ["-f", muxer, "-y", f"file:{part}"]
        timeout = copy_timeout([*segments, *(sound.files if sound else [])]) + float(film.frames / film.fps)
        tags = ffmetadata(film.title, film.record) + as_chapters(film.chapters).encode()
        ffmpeg.run(arguments, doing=f"finishing {film.path}", timeout=timeout, input=tags)


def _setts(fps: Fraction, coding: Coding) -> str:
    """A bitstream filter that sets packet times to whole frames; each frame is a whole number of ticks (``TB``).

    Packets come in decoding order, the codec's ``delay`` frames ahead of presentation. Without delay the packet's
    number is its time. With delay, the joined times are sums of the segments' lengths, each rounded to a microsecond:
    far less than half a frame off, so rounding them to frames makes them exact. (A short segment alone would declare a
    smaller delay.)
    """
    delay = coding.codec.delay
    per_tick = f"(TB*{fps.numerator}/{fps.denominator})"  # frames
    frame = f"round(PTS*{per_tick})" if delay else "N"
    pts, dts, duration = (f"round({n}/{per_tick})" for n in (frame, f"(N-{delay})", 1))
    return f"setts=pts={pts}:dts={dts}:duration={duration}"
