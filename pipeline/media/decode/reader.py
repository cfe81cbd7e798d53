"""Footage as a stream of frames: memory does not grow with its length."""

from collections.abc import Generator
from contextlib import closing

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.errors import InputError
from pipeline.image import from_array
from pipeline.media import ffmpeg
from pipeline.media.decode.clip import Clip
from pipeline.media.decode.color import Toning, toning
from pipeline.media.decode.image_file import load_still
from pipeline.media.decode.probe import PICTURES, source
from pipeline.media.decode.seek import entry

SILENCE = 300.0  # seconds that ffmpeg may need for one picture


class Reader:
    """Reads the pictures ``picks`` of ``clip`` as frames of ``width`` × ``height`` pixels.

    ``background`` (red, green, blue in 0..1) shows through transparent parts. A picture of another shape covers the
    frame and is cropped around its middle.
    """

    def __init__(
        self,
        clip: Clip,
        picks: NDArray[np.int64],
        *,
        width: int,
        height: int,
        background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> None:
        self._clip, self._picks, self._size, self._background = clip, picks, (height, width), background

    def frames(self, first: int = 0) -> Generator[Tensor, None, None]:
        """Frames ``first`` …, each ``(1, 3, H, W)`` float32 in [0, 1], sRGB-encoded, on the CPU.

        A picture that is shown twice is the same tensor twice. Raises InputError. An iterator that is closed early
        ends its ffmpeg.
        """
        picks = self._picks[first:]
        if not len(picks):
            return
        start = int(picks[0])
        with closing(self._pictures(start)) as pictures:
            here, frame = start - 1, None
            for wanted in picks:
                while here < wanted:
                    frame, here = next(pictures, None), here + 1
                    if frame is None:
                        raise InputError(f"{self._clip.path} ended before its picture {here}; did it change meanwhile?")
                assert frame is not None
                yield frame

    def _pictures(self, start: int) -> Generator[Tensor, None, None]:
        """All pictures from number ``start`` on."""
        if self._clip.facts is None:
            height, width = self._size
            for file in self._clip.files[start:]:
                yield load_still(file, width=width, height=height, background=self._background)
            return
        height, width = self._size
        path, facts = self._clip.path, self._clip.facts
        tone = toning(facts, width, height)
        begun, second = (0, 0.0) if self._clip.salvaged else entry(path, facts, self._clip.times, start)
        # The deinterlacer looks at neighbours, so it sees those that are left out as well.
        left_out = f"trim=start_frame={start - begun}" if start > begun else ""
        chain = ",".join(filter(None, (tone.deinterlace, left_out, tone.chain)))
        arguments = [] if self._clip.salvaged else ["-xerror"]
        arguments += ["-ss", f"{second:.6f}"] if begun else []
        arguments += [*source(path, facts.decoder), "-map", PICTURES, "-vf", chain]
        arguments += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", tone.pixels, "pipe:1"]
        block = height * width * (4 if tone.alpha else 3) * tone.depth // 8
        doing = f"reading {path}"
        for data in ffmpeg.stream(arguments, block=block, doing=doing, timeout=SILENCE):
            yield self._frame(data, tone)

    def _frame(self, data: bytes, tone: Toning) -> Tensor:
        kind = np.dtype("<u2") if tone.depth == 16 else np.dtype(np.uint8)
        levels = np.frombuffer(data, kind).reshape(*self._size, 4 if tone.alpha else 3)
        frame = from_array(levels.astype(np.float32) / np.float32(2**tone.depth - 1))
        if not tone.alpha:
            return frame
        behind = torch.tensor(self._background).view(1, 3, 1, 1)
        return (frame[:, :3] + (1 - frame[:, 3:]) * behind).clamp(0, 1)
