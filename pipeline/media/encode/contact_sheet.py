"""The contact sheet of a film: one picture with frames from its whole length."""

from pathlib import Path

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from pipeline.errors import OutputError
from pipeline.media.decode.image_file import write_png
from pipeline.media.encode.image_grid import cell_positions, font, row_count
from pipeline.media.encode.pixel_format import to_bytes

GREY = 24  # of 255, between the pictures


class ContactSheet:
    """Thumbnails of up to ``count`` frames (their numbers: ``indices``) spread evenly over ``frames_total``.

    ``columns`` thumbnails stand in a row, each at most ``max_width`` pixels wide; with ``fps`` (frames per second)
    each shows its time.
    """

    def __init__(
        self,
        frames_total: int,
        *,
        count: int = 12,
        columns: int = 4,
        max_width: int = 480,
        fps: float | None = None,
    ) -> None:
        if min(frames_total, count, columns, max_width) < 1:
            raise ValueError(f"a contact sheet of {count} of {frames_total} frames in {columns} columns")
        count = min(count, frames_total)
        # The middle of each of count equal parts, so that none is the first or the last frame.
        self.indices = frozenset((2 * n + 1) * frames_total // (2 * count) for n in range(count))
        self._columns, self._max_width, self._fps = columns, max_width, fps
        self._thumbnails: dict[int, NDArray[np.uint8]] = {}

    def add(self, index: int, frame: Tensor) -> None:
        """Store a thumbnail of frame ``(1, 3, H, W)`` in [0, 1] if ``index`` is one of ``indices``."""
        if index not in self.indices:
            return
        height, width = frame.shape[2:]
        wide = min(self._max_width, width)
        size = (max(1, round(height * wide / width)), wide)
        self._thumbnails[index] = to_bytes(
            F.interpolate(frame.detach().float(), size=size, mode="bicubic", antialias=True)
        )

    def save(self, path: Path) -> None:
        """Write the sheet atomically as a PNG. Raises OutputError when there is no frame or it cannot be written."""
        if not self._thumbnails:
            raise OutputError(f"{path} cannot be drawn: no frame was rendered")
        high, wide, _ = next(iter(self._thumbnails.values())).shape
        count, gap = len(self._thumbnails), max(2, wide // 80)
        columns = min(self._columns, count)
        size = (columns * (wide + gap) + gap, row_count(count, columns) * (high + gap) + gap)
        sheet = Image.new("RGB", size, (GREY, GREY, GREY))
        positions = cell_positions(count, columns, (wide, high), gap, (gap, gap))
        for index, position in zip(sorted(self._thumbnails), positions, strict=True):
            sheet.paste(self._labelled(index), position)
        write_png(np.asarray(sheet), path)

    def _labelled(self, index: int) -> Image.Image:
        thumbnail = Image.fromarray(self._thumbnails[index])
        if self._fps is None:
            return thumbnail
        tenths = round(10 * index / float(self._fps))
        words = f"{tenths // 600}:{tenths % 600 / 10:04.1f}"
        letters = max(8, thumbnail.width // 30)
        at = (letters // 2, thumbnail.height - letters // 2)
        draw = ImageDraw.Draw(thumbnail, "RGBA")
        stroke = max(1, letters // 12)
        draw.text(at, words, (255, 255, 255, 200), font(letters), "lb", stroke_width=stroke, stroke_fill=(0, 0, 0, 90))
        return thumbnail
