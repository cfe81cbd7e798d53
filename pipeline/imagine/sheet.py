"""A sheet of samples: the classes of a generator with a few of their pictures."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from pipeline.media.decode.image_file import write_png
from pipeline.media.encode.image_grid import INK, PAPER, cell_positions, font, row_count
from pipeline.networks.generator import Generator

SAMPLES = 4  # of each class
MAX_CLASSES = 60
GAP = 8  # pixels
MAX_SIDE = 128  # pixels of a sample on the sheet


@torch.no_grad()
def sample(net: Generator, per_class: int, seed: int, truncation: float = 1.0) -> Tensor:
    """``(classes, per_class, 3, size, size)`` bytes: pictures of every class, the same noise for each."""
    shape, rows = net.shape, []
    device = net.centre.device
    noise = torch.randn(per_class, shape.latent, generator=torch.Generator().manual_seed(seed)).to(device)
    for label in range(min(shape.classes, MAX_CLASSES)):
        weights = torch.zeros(per_class, shape.classes, device=device)
        weights[:, label] = 1
        rows.append((net(noise * truncation, weights) * 255 + 0.5).to(torch.uint8).cpu())
    return torch.stack(rows)


def write_sheet(pictures: Tensor, names: Sequence[str], path: Path) -> None:
    """Write the samples ``(classes, n, 3, S, S)`` with their names as a PNG. Raises OutputError."""
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
