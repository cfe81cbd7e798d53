"""A sheet of rows of pictures with their names."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from pipeline.media.decode.image_file import write_png
from pipeline.media.encode.image_grid import INK, PAPER, cell_positions, font, row_count

GAP = 8  # pixels
MAX_SIDE = 128  # pixels of a picture on the sheet


def write_sheet(pictures: Tensor, names: Sequence[str], path: Path) -> None:
    """Write the pictures ``(classes, n, 3, S, S)`` with their names as a PNG. Raises OutputError."""
    count, each, _, size, _ = pictures.shape
    side = min(size, MAX_SIDE)
    cell = (each * side, side + 16)
    columns = max(1, min(count, round(math.sqrt(count * cell[1] / cell[0] * 1.5))))
    width, height = (columns * (cell[0] + GAP) + GAP, row_count(count, columns) * (cell[1] + GAP) + GAP)
    sheet = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(sheet)
    for row, name, (x, y) in zip(pictures, names, cell_positions(count, columns, cell, GAP, (GAP, GAP)), strict=False):
        strip = row.permute(2, 0, 3, 1).reshape(size, each * size, 3)
        image = Image.fromarray(strip.numpy()).resize((each * side, side), Image.Resampling.LANCZOS)
        sheet.paste(image, (x, y))
        pen.text((x, y + side + 2), name, INK, font(12))
    write_png(np.asarray(sheet), path)
