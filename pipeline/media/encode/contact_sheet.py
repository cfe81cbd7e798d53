"""The contact sheet: a film at one glance."""

from pathlib import Path

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from pipeline.errors import OutputError
from pipeline.media.decode.image_file import write_png
from pipeline.media.encode.pixel_format import to_bytes

PAPER = 24  # the neutral grey between pictures, of 255


class Poster:
    """Small copies of up to ``count`` frames spread evenly over ``frames_total``.

    ``columns`` pictures stand in a row, each at most ``thumb_width`` pixels wide; with ``fps``
    (frames per second) each says its time.
    """

    def __init__(
        self,
        frames_total: int,
        *,
        count: int = 12,
        columns: int = 4,
        thumb_width: int = 480,
        fps: float | None = None,
    ) -> None:
        if min(frames_total, count, columns, thumb_width) < 1:
            raise ValueError(f"a poster of {count} of {frames_total} frames in {columns} columns")
        count = min(count, frames_total)
        # The middle of each of count equal stretches, so that no picture is the first or the last.
        self.chosen = frozenset((2 * n + 1) * frames_total // (2 * count) for n in range(count))
        self._columns, self._thumb_width, self._fps = columns, thumb_width, fps
        self._kept: dict[int, NDArray[np.uint8]] = {}

    def offer(self, index: int, frame: Tensor) -> None:
        """Keep a small copy of frame ``(1, 3, H, W)`` in [0, 1] if ``index`` is a chosen one."""
        if index not in self.chosen:
            return
        height, width = frame.shape[2:]
        wide = min(self._thumb_width, width)
        size = (max(1, round(height * wide / width)), wide)
        small = F.interpolate(frame.detach().float(), size=size, mode="bicubic", antialias=True)
        self._kept[index] = to_bytes(small)

    def save(self, path: Path) -> None:
        """Write the sheet of the frames kept so far as a PNG, whole or not at all.

        Raises OutputError when there is no frame or the file cannot be written.
        """
        if not self._kept:
            raise OutputError(f"{path} cannot be drawn: no frame was rendered")
        high, wide, _ = next(iter(self._kept.values())).shape
        gap = max(2, wide // 80)
        columns = min(self._columns, len(self._kept))
        rows = -(-len(self._kept) // columns)
        size = (columns * (wide + gap) + gap, rows * (high + gap) + gap)
        sheet = Image.new("RGB", size, (PAPER, PAPER, PAPER))
        for place, index in enumerate(sorted(self._kept)):
            row, column = divmod(place, columns)
            at = (gap + column * (wide + gap), gap + row * (high + gap))
            sheet.paste(self._thumb(index), at)
        write_png(np.asarray(sheet), path)

    def _thumb(self, index: int) -> Image.Image:
        thumb = Image.fromarray(self._kept[index])
        if self._fps is None:
            return thumb
        tenths = round(10 * index / float(self._fps))
        words = f"{tenths // 600}:{tenths % 600 / 10:04.1f}"
        letters = max(8, thumb.width // 30)
        font = ImageFont.load_default(letters)
        at = (letters // 2, thumb.height - letters // 2)
        draw = ImageDraw.Draw(thumb, "RGBA")
        shade = max(1, letters // 12)
        draw.text(at, words, (255, 255, 255, 200), font, "lb", stroke_width=shade, stroke_fill=(0, 0, 0, 90))
        return thumb
