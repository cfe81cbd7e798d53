"""Frames into one video file that is complete or not there."""

import re
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import torch
from torch import Tensor

from pipeline.errors import ConfigError, DreamError, EncoderError, InputError, OutputError, nearest
from pipeline.media import ffmpeg
from pipeline.media.codecs import QUALITIES, find_codec, find_muxer
from pipeline.media.files import part_path, place, sync
from pipeline.media.pixels import to_bytes
from pipeline.media.sink import Sink
from pipeline.media.sound import Sound
from pipeline.media.video import count_frames, source

# x264's output depends on the number of its threads, so it is a constant and not the machine's
# cores: the same frames give the same bytes everywhere. Four encode HD faster than it is dreamed.
THREADS = 4
SAME_BYTES = ("-fflags", "+bitexact", "-flags:v", "+bitexact")


class Encoder:
    """Encodes frames to ``part``, a hidden file beside ``path``; ``finish`` gives it its name.

    As a context: leaving it normally completes ``part``, counted and on disk; leaving it with an
    exception ends ffmpeg and deletes ``part``. ``width`` and ``height`` are in pixels, ``fps`` in
    frames per second, ``quality`` is draft, good or best.
    """

    def __init__(
        self,
        path: Path,
        *,
        width: int,
        height: int,
        fps: Fraction,
        quality: str = "good",
        codec: str = "h264",
        threads: int = THREADS,
        stall: float = 60.0,
    ) -> None:
        self._codec = find_codec(codec)
        self._muxer = find_muxer(self._codec, path)
        if quality not in QUALITIES:
            allowed = f"allowed are {', '.join(QUALITIES)}{nearest(quality, QUALITIES)}"
            raise ConfigError("encode.quality", quality, allowed)
        if self._codec.even and (width % 2 or height % 2):
            raise OutputError(f"{path}: {width}x{height} pixels; {codec} needs even sizes")
        if width < 2 or height < 2 or fps <= 0:
            raise ValueError(f"{width}x{height} pixels at {fps} frames per second")
        self.path, self.part, self.frames = path, part_path(path), 0
        self._size, self._fps, self._quality = (height, width), fps, quality
        self._threads, self._stall = threads, stall
        self._sink: Sink | None = None

    def __enter__(self) -> "Encoder":
        height, width = self._size
        self._sink = Sink(
            self._arguments(),
            frame_bytes=height * width * 3,
            doing=f"encoding {self.path}",
            stall=self._stall,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._complete()
        except BaseException:
            self._discard()
            raise
        if error is not None:
            self._discard()

    def write(self, frame: Tensor) -> None:
        """Encode one frame ``(1, 3, H, W)`` in [0, 1], on any device.

        Raises EncoderError when ffmpeg died or hangs, DreamError for values that are no numbers,
        ValueError for another shape.
        """
        if self._sink is None:
            raise ValueError("the encoder is not open")
        if tuple(frame.shape) != (1, 3, *self._size):
            raise ValueError(f"a frame of {tuple(frame.shape)}; needs {(1, 3, *self._size)}")
        if not torch.isfinite(frame).all():
            raise DreamError(f"frame {self.frames} of {self.path} holds values that are no numbers")
        self._sink.write(to_bytes(frame))
        self.frames += 1

    def _complete(self) -> None:
        assert self._sink is not None
        if not self.frames:
            raise EncoderError(f"encoding {self.path} failed: there was no frame to encode")
        self._sink.close()
        _check_count(self.part, self.frames, f"encoding {self.path}")
        sync(self.part)

    def _discard(self) -> None:
        if self._sink is not None:
            self._sink.abort()
        self.part.unlink(missing_ok=True)

    def _arguments(self) -> list[str]:
        height, width = self._size
        rate = f"{self._fps.numerator}/{self._fps.denominator}"
        raw = ["-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", f"{width}x{height}"]
        gap = max(1, round(2 * self._fps))  # a key frame every two seconds, for scrubbing
        return [
            *raw,
            *("-framerate", rate, "-protocol_whitelist", "pipe", "-i", "pipe:0"),
            *("-map_metadata", "-1", "-vf", self._codec.filters, "-fps_mode", "passthrough"),
            *self._codec.arguments,
            *self._codec.qualities[self._quality],
            *("-g", str(gap), "-threads", str(self._threads), *SAME_BYTES),
            *_clock(self._muxer, self._fps),
            *("-f", self._muxer, "-y", f"file:{self.part}"),
        ]


def finish(
    part: Path,
    final: Path,
    *,
    record: str,
    title: str,
    overwrite: bool,
    codec: str = "h264",
    sound: Sound | None = None,
) -> None:
    """Make the encoded file ``part`` the video ``final``, with its run record inside, and remove it.

    The pictures are copied as they are, ``sound`` is laid under them. ``record`` is any text.
    Raises OutputError when ``final`` appeared meanwhile without ``overwrite`` (``part`` is kept),
    EncoderError when the copy is not whole.
    """
    muxer = find_muxer(find_codec(codec), final)
    fresh, frames = part_path(final, "finished"), count_frames(part)
    tags = f";FFMETADATA1\ntitle={_escape(title)}\ncomment={_escape(record)}\n"
    arguments = [*source(part), "-protocol_whitelist", "pipe", "-f", "ffmetadata", "-i", "pipe:0"]
    arguments += sound.inputs() if sound else []
    arguments += ["-map", "0", "-map_metadata", "1", "-c", "copy", *SAME_BYTES]
    arguments += sound.outputs(muxer, index=2) if sound else []
    if muxer in ("mp4", "mov"):
        arguments += ["-movflags", "+faststart"]  # plays while it is still being downloaded
    arguments += ["-f", muxer, "-y", f"file:{fresh}"]
    doing, patience = (
        f"finishing {final} from {part}",
        120.0 + sum(path.stat().st_size for path in (part, sound and sound.path) if path) / 1e6,
    )
    try:
        ffmpeg.run(arguments, doing=doing, timeout=patience, input=tags.encode())
        _check_count(fresh, frames, doing)
        if _comment(fresh) != (record or None):
            size = len(record.encode())
            raise EncoderError(f"{doing} failed: its record of {size} bytes does not read back")
        place(fresh, final, overwrite=overwrite)
    except FileExistsError:
        raise OutputError(
            f"{final} appeared while the film was rendered; the film is complete in {part}: rename it to keep it"
        ) from None
    finally:
        fresh.unlink(missing_ok=True)
    part.unlink()


def read_record(path: Path) -> str:
    """The run record inside a finished video. Raises InputError when there is none."""
    record = _comment(path)
    if record is None:
        raise InputError(f"{path} holds no run record")
    return record


def _comment(path: Path) -> str | None:
    arguments = [*source(path), "-f", "ffmetadata", "pipe:1"]
    text = ffmpeg.run(arguments, doing=f"reading {path}", failure=InputError).decode()
    # A value ends at the first line end without a backslash; Matroska names its tags in capitals.
    found = re.search(r"^comment=((?:\\.|[^\\\n])*)$", text, re.MULTILINE | re.DOTALL | re.IGNORECASE)
    return re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL) if found else None


def _escape(text: str) -> str:
    """The text as a value of an ffmetadata file."""
    return re.sub(r"([=;#\\\n\r])", r"\\\1", text)


def _check_count(path: Path, frames: int, doing: str) -> None:
    found = count_frames(path)
    if found != frames:
        raise EncoderError(f"{doing} failed: {found} of {frames} frames are in the file")


def _clock(muxer: str, fps: Fraction) -> list[str]:
    """Options that give every frame a whole number of ticks; Matroska's tick is a millisecond."""
    if muxer not in ("mp4", "mov"):
        return []
    scale = fps.numerator
    while scale < 10000:
        scale *= 2
    return ["-video_track_timescale", str(scale)]
