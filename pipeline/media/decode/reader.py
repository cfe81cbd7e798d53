"""Reads footage as a stream of frames, in constant memory, and seeks only where that gives the same bits."""

import re
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.errors import InputError
from pipeline.image import from_array
from pipeline.media import ffmpeg
from pipeline.media.decode.clip import Clip
from pipeline.media.decode.color import Conversion, rgb_conversion
from pipeline.media.decode.image_file import load_still
from pipeline.media.decode.probe import FIRST_VIDEO, VideoFacts, source

MAX_SILENCE_SECONDS = 300.0  # ffmpeg may need as long for one frame
PREROLL_SECONDS = 30.0  # decoded before the first frame after a seek: later frames do not depend on omitted ones
MIN_SKIP_SECONDS = 30.0  # that a seek must save beyond the pre-roll
CHECKED_FRAMES = 3  # after the seek, whose times must be those of the scan
# Containers that seek precisely, and codecs whose key frames depend on no other frame.
SEEKABLE_CONTAINERS = ("mov", "matroska")
SEEKABLE_CODECS = frozenset(
    {"h264", "hevc", "vp8", "vp9", "av1", "ffv1", "prores", "mjpeg", "png", "dnxhd", "huffyuv", "utvideo"}
)


class Reader:
    """Reads the source frames ``indices`` of ``clip`` at ``width`` × ``height`` pixels.

    ``background`` (red, green, blue in 0..1) shows through transparent parts. A frame of another shape is scaled to
    cover and cropped around its centre.
    """

    def __init__(
        self,
        clip: Clip,
        indices: NDArray[np.int64],
        *,
        width: int,
        height: int,
        background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> None:
        self._clip, self._indices, self._size, self._background = clip, indices, (height, width), background

    def frames(self, first: int = 0) -> Generator[Tensor, None, None]:
        """Frames ``first`` …, each ``(1, 3, H, W)`` float32 in [0, 1], sRGB-encoded, on the CPU.

        A source frame that is shown twice is the same tensor twice. Raises InputError. Closing the iterator early ends
        ffmpeg.
        """
        indices = self._indices[first:]
        if not len(indices):
            return
        start = int(indices[0])
        with closing(self._decode(start)) as source_frames:
            here, frame = start - 1, None
            for index in indices:
                while here < index:
                    frame, here = next(source_frames, None), here + 1
                    if frame is None:
                        raise InputError(f"{self._clip.path} ended before its frame {here}; did it change meanwhile?")
                assert frame is not None
                yield frame

    def _decode(self, start: int) -> Generator[Tensor, None, None]:
        """All source frames from number ``start`` on."""
        height, width = self._size
        if self._clip.facts is None:
            for file in self._clip.files[start:]:
                yield load_still(file, width=width, height=height, background=self._background)
            return
        path, facts = self._clip.path, self._clip.facts
        conversion = rgb_conversion(facts, width, height)
        entry, second = (0, 0.0) if self._clip.is_damaged else seek_point(path, facts, self._clip.times, start)
        # The deinterlacer needs neighbours, so frames are dropped after it.
        drop = f"trim=start_frame={start - entry}" if start > entry else ""
        chain = ",".join(filter(None, (conversion.deinterlace, drop, conversion.filters)))
        arguments = ["-ss", f"{second:.6f}"] if entry else []  # without -xerror: the scan has checked every frame
        arguments += [*source(path, facts.decoder), "-map", FIRST_VIDEO, "-vf", chain]
        arguments += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", conversion.pixels, "pipe:1"]
        block = height * width * (4 if conversion.has_alpha else 3) * conversion.bits // 8
        for data in ffmpeg.stream(arguments, block=block, doing=f"reading {path}", timeout=MAX_SILENCE_SECONDS):
            yield self._to_frame(data, conversion)

    def _to_frame(self, data: bytes, conversion: Conversion) -> Tensor:
        kind = np.dtype("<u2") if conversion.bits == 16 else np.dtype(np.uint8)
        levels = np.frombuffer(data, kind).reshape(*self._size, 4 if conversion.has_alpha else 3)
        frame = from_array(levels.astype(np.float32) / np.float32(2**conversion.bits - 1))
        if not conversion.has_alpha:
            return frame
        behind = torch.tensor(self._background).view(1, 3, 1, 1)
        return (frame[:, :3] + (1 - frame[:, 3:]) * behind).clamp(0, 1)


def seek_point(path: Path, facts: VideoFacts, times: NDArray[np.float64], index: int) -> tuple[int, float]:
    """(first frame to decode, second of the file's clock to seek to), so that frame ``index`` has the same bits as
    without a seek; (0, 0.0) where that is not sure or saves little. ``times`` are the seconds of all frames.
    """
    if facts.codec not in SEEKABLE_CODECS or not facts.container.startswith(SEEKABLE_CONTAINERS):
        return 0, 0.0
    first = int(np.searchsorted(times, times[index] - PREROLL_SECONDS, side="right")) - 1
    if first < 1 or times[first] - times[0] < MIN_SKIP_SECONDS or first + CHECKED_FRAMES >= len(times):
        return 0, 0.0
    second = float(times[first - 1] + times[first]) / 2  # between two frames, so that rounding does not matter
    decoded = _times_after_seek(path, facts, second)
    gaps = np.diff(times[first - 1 : first + CHECKED_FRAMES])
    if len(decoded) < CHECKED_FRAMES:
        return 0, 0.0
    if np.abs(decoded - times[first : first + CHECKED_FRAMES]).max() > 0.25 * gaps.min():
        return 0, 0.0
    return first, second


def _times_after_seek(path: Path, facts: VideoFacts, second: float) -> NDArray[np.float64]:
    """The times of the first frames after a seek; fewer when it fails."""
    chain = "settb=1/1000000,metadata=mode=add:key=x:value=1,metadata=mode=print:file=-:direct=1"
    arguments = ["-xerror", "-ss", f"{second:.6f}", *source(path, facts.decoder), "-map", FIRST_VIDEO, "-vf", chain]
    arguments += ["-fps_mode", "passthrough", "-frames:v", str(CHECKED_FRAMES), "-f", "null", "/dev/null"]
    try:
        report = ffmpeg.run(arguments, doing=f"reading {path}", timeout=600.0, failure=InputError)
    except InputError:
        return np.array([])
    ticks = re.findall(rb"^frame:\d+ +pts:(-?\d+)", report, re.MULTILINE)[:CHECKED_FRAMES]
    return second + np.array([int(tick) / 1e6 for tick in ticks])
