"""Frames into one segment of a film, a file that is complete or not there."""

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
from pipeline.media.encode.device_copy import hand_over
from pipeline.media.encode.encode_args import check_size, coding_of
from pipeline.media.encode.frame_pipe import Fetch, Sink
from pipeline.media.encode.pixel_format import to_planes, to_steps, to_words
from pipeline.runtime.files import part_path, sync


class Encoder:
    """Encodes frames to ``part``, a hidden file beside ``path``, to be given its name by ``files.place``.

    As a context: leaving it normally completes ``part``, counted and on disk; leaving it with an
    exception ends ffmpeg and deletes ``part``. ``width`` and ``height`` are in pixels, ``fps`` in
    frames per second, ``stall`` is how many seconds ffmpeg may take nothing. ``planar`` says that frames come from a
    GPU, which can make the codec's own pixels of them.
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
        self._coding = replace(coding, planar=planar and encode.on_gpu and coding.has_planes)
        self._muxer = find_muxer(self._coding.codec, path, segment=True)
        if min(width, height) < 1 or fps <= 0:
            raise ValueError(f"{width}x{height} pixels at {fps} frames per second")
        check_size(path, self._coding.codec, width, height)
        self.path, self.part, self.frames = path, part_path(path), 0
        self._size, self._fps, self._stall = (height, width), fps, stall
        self._sink: Sink | None = None

    def __enter__(self) -> "Encoder":
        height, width = self._size
        self._sink = Sink(
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

        Raises DreamError for values that are no numbers, ValueError for another shape.
        """
        packed = self._packed(frame)
        if not torch.isfinite(frame).all():
            raise self._unhealthy()
        return packed.cpu().numpy().tobytes()

    def write(self, frame: Tensor) -> None:
        """Encode one frame ``(1, 3, H, W)`` in [0, 1], on any device; of a GPU without waiting for it.

        Raises EncoderError when ffmpeg died or hangs, DreamError for values that are no numbers (from a GPU with one
        of the next frames, or at the end), ValueError for another shape.
        """
        if frame.device.type == "cuda":
            self.write_later(frame)
        else:
            self.write_bytes(self.pack(frame))

    def write_later(self, frame: Tensor) -> Fetch:
        """As ``write``, where the frame's bytes are fetched by the encoder's thread when they are due; what fetches
        them, as often as one likes.
        """
        sink, fetch = self._opened(), hand_over(self._packed(frame), torch.isfinite(frame).all(), self._unhealthy())
        sink.write_later(fetch)
        self.frames += 1
        return fetch

    def write_bytes(self, data: bytes) -> None:
        """Encode one frame that ``pack`` made. Raises as ``write`` does."""
        self._opened().write(data)
        self.frames += 1

    def _opened(self) -> Sink:
        if self._sink is None:
            raise ValueError("the encoder is not open")
        return self._sink

    def _packed(self, frame: Tensor) -> Tensor:
        """The integers that are sent, on the frame's device: ``(H, W, 3)``, or planes one after the other."""
        if tuple(frame.shape) != (1, 3, *self._size):
            raise ValueError(f"a frame of {tuple(frame.shape)}; needs {(1, 3, *self._size)}")
        if self._coding.planar:
            return to_planes(frame)
        if self._coding.bits == 8:
            return to_steps(frame)
        return to_words(frame, self._coding.steps, self.frames, whole=self._coding.whole)

    def _unhealthy(self) -> DreamError:
        return DreamError(f"frame {self.frames} of {self.path} holds values that are no numbers")

    def _complete(self) -> None:
        assert self._sink is not None
        doing = f"encoding {self.path}"
        if not self.frames:
            raise EncoderError(f"{doing} failed: there was no frame to encode")
        self._sink.close()
        found = count_frames(self.part)
        if found != self.frames:
            raise EncoderError(f"{doing} failed: {found} of {self.frames} frames are in the file")
        sync(self.part)

    def _discard(self) -> None:
        if self._sink is not None:
            self._sink.abort()
        self.part.unlink(missing_ok=True)

    def _arguments(self) -> list[str]:
        height, width = self._size
        rate = f"{self._fps.numerator}/{self._fps.denominator}"
        return [
            *("-f", "rawvideo", "-pixel_format", self._coding.layout, "-video_size", f"{width}x{height}"),
            *("-framerate", rate, "-protocol_whitelist", "pipe", "-i", "pipe:0"),
            *self._coding.arguments(self._muxer, self._fps),
            *("-f", self._muxer, "-y", f"file:{self.part}"),
        ]
