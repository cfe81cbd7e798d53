"""Guides and masks from files."""

from collections.abc import Iterable
from pathlib import Path

from torch import Tensor

from pipeline.image import fit
from pipeline.media.decode.image_file import load_still

MAX_GUIDE_PIXELS = 224  # on the short side of guides and masks


def load_pictures(files: Iterable[str], size: tuple[int, int]) -> dict[str, Tensor]:
    """Guides or masks by file, ``(1, 3, h, w)`` in the shape of a frame of ``size`` (H, W), no larger than needed."""
    height, width = fit(size, min(MAX_GUIDE_PIXELS, *size))
    return {file: load_still(Path(file), width=width, height=height) for file in sorted(files)}
