"""The colouring of a film from its settings and their files."""

from pathlib import Path

import torch

from pipeline.color.cube import read_cube
from pipeline.color.grade import Grade
from pipeline.color.lut import Lut
from pipeline.color.palette import frame_statistics, palette_of
from pipeline.config import ColorConfig
from pipeline.config.palettes import PALETTES
from pipeline.media.decode.image_file import load_thumbnail

PALETTE_PIXELS = 400  # on the long side of a picture whose colours are used


def build_grade(color: ColorConfig, device: torch.device, *, is_sphere: bool = False) -> Grade | None:
    """The colouring of finished frames; None where they stay as they are. Raises InputError for its files."""
    if color.is_neutral:
        return None
    palette = None
    if color.palette is not None:
        if color.palette in PALETTES:
            palette = palette_of(PALETTES[color.palette])
        else:
            palette = frame_statistics(load_thumbnail(Path(color.palette), PALETTE_PIXELS))
    return Grade(palette, None if color.lut is None else Lut(read_cube(Path(color.lut)), device), is_sphere)
