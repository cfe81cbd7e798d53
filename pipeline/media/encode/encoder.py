"""Encodes frames to one segment of a film, a file that is complete or does not exist."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import torch
from torch import Tensor

from pipeline.config import EncodeConfig
from pipeline.errors import DreamError, EncoderError
from pipeline.media.decode.probe import count_frames
from pipeline.media.encode.codecs import find_muxer
from pipeline.media.encode.device_copy import copy_to_host_async
from pipeline.media.encode.encode_args import check_size, coding_of
from pipeline.media.encode.frame_pipe import FrameBytes, FramePipe
from pipeline.media.encode.hdr import to_hdr
from pipeline.media.encode.pixel_format import to_uint8, to_uint16, to_yuv420
from pipeline.runtime.files import part_path, sync


class Encoder:
    """Encodes frames to ``part``, a hidden file next to ``path``, for ``files.move_into_place``.

    As a context: leaving it normally completes ``part``, checks its number of frames and syncs it; leaving it with an
    exception ends ffmpeg and deletes ``part``. ``width`` and ``height`` are in pixels, ``fps`` in frames per second,
    ``stall`` is how many seconds ffmpeg may accept no data. ``planar``: frames come from a GPU, which converts them to
    the codec's own pixel format.
    """

    def __init__(
        self,
        path: Path,
        *,
        width: int,
        height: int,
        fps: Fraction,
        encode: EncodeConfig,
        stall: float = 60.0,
        planar: bool = False,
    ) -> None:
        coding = coding_of(encode)
        self._coding = replace(coding, planar=planar and encode.on_gpu and coding.can_be_planar)
        self._muxer = find_muxer(self._coding.codec, path, segment=True)
        if min(width, height) < 1 or fps <= 0:
            raise ValueError(f"{width}x{height} pixels at {fps} frames per second")
        check_size(path, self._coding.codec, width, height)
        self.path, self.part, self.frames = path, part_path(path), 0
        self._size, self._fps, self._stall = (height, width), fps, stall
        self._pipe: FramePipe | None = None

    def __enter__(self) -> "Encoder":
        height, width = self._size
        self._pipe = FramePipe(
            self._arguments(),
            frame_bytes=self._coding.frame_bytes(width, height),
            doing=f"encoding {self.path}",
            stall=self._stall,
            finish=15 * self._stall,
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

    def pack(self, frame: Tensor) -> bytes:
        """Frame ``(1, 3, H, W)`` in [0, 1], on any device → the bytes that ``write`` would send for it now.

        Raises DreamError for NaN and infinity, ValueError for another shape.
        """
        packed = self._packed(frame)
        if not _is_finite(frame):
            raise self._not_finite()
        return packed.cpu().numpy().tobytes()

    def write(self, frame: Tensor) -> None:
        """Encode one frame ``(1, 3, H, W)`` in [0, 1], on any device; from a GPU without waiting for it.

        Raises EncoderError when ffmpeg died or hangs, DreamError for NaN and infinity (from a GPU with one of the next
        frames, or at the end), ValueError for another shape.
        """
        if frame.device.type == "cuda":
            self.write_later(frame)
        else:
            self.write_bytes(self.pack(frame))

    def write_later(self, frame: Tensor) -> FrameBytes:
        """As ``write``, but the encoder's thread fetches the frame's bytes when it needs them.

        Returns the function that fetches them; it may be called again.
        """
        pipe = self._open_pipe()
        fetch = copy_to_host_async(self._packed(frame), _is_finite(frame), self._not_finite())
        pipe.write_later(fetch)
        self.frames += 1
        return fetch

    def write_bytes(self, data: bytes) -> None:
        """Encode one frame that ``pack`` made. Raises as ``write`` does."""
        self._open_pipe().write(data)
        self.frames += 1

    def flush(self) -> None:
        """Wait until ffmpeg took all frames. Raises as ``write`` does."""
        self._open_pipe().flush()

    def _open_pipe(self) -> FramePipe:
        if self._pipe is None:
            raise ValueError("the encoder is not open")
        return self._pipe

    def _packed(self, frame: Tensor) -> Tensor:
        """The integers that ffmpeg reads, on the frame's device: ``(H, W, 3)``, or planes one after the other."""
        shape = (1, self._coding.channels, *self._size)
        if tuple(frame.shape) != shape:
            raise ValueError(f"a frame of {tuple(frame.shape)}; needs {shape}")
        if self._coding.is_hdr:
            frame = to_hdr(frame, self._coding.color)
        if self._coding.planar:
            return to_yuv420(frame)
        if self._coding.bits == 8:
            return to_uint8(frame)
        return to_uint16(frame, self._coding.levels, self.frames, exact=self._coding.is_rgb)

    def _not_finite(self) -> DreamError:
        return DreamError(f"frame {self.frames} of {self.path} holds values that are no numbers")

    def _complete(self) -> None:
        assert self._pipe is not None
        doing = f"encoding {self.path}"
        if not self.frames:
            raise EncoderError(f"{doing} failed: there was no frame to encode")
        self._pipe.close()
        count = count_frames(self.part)
        if count != self.frames:
            raise EncoderError(f"{doing} failed: {count} of {self.frames} frames are in the file")
        sync(self.part)

    def _discard(self) -> None:
        if self._pipe is not None:
            self._pipe.abort()
        self.part.unlink(missing_ok=True)

    def _arguments(self) -> list[str]:
        height, width = self._size
        rate = f"{self._fps.numerator}/{self._fps.denominator}"
        return [
            *("-f", "rawvideo", "-pixel_format", self._coding.input_pixels, "-video_size", f"{width}x{height}"),
            *("-framerate", rate, "-protocol_whitelist", "pipe", "-i", "pipe:0"),
            *self._coding.arguments(self._muxer, self._fps),
            *("-f", self._muxer, "-y", f"file:{self.part}"),
        ]


def _is_finite(frame: Tensor) -> Tensor:
    """Whether no value of a frame in [0, 1] is NaN or infinite, which its sum would be, too; a tenth of ``isfinite``'s
    time.
    """
    return torch.isfinite(frame.sum())
