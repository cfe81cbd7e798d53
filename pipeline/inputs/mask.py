"""The user's mask, read."""

from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pipeline.media.decode.clip import Clip
from pipeline.media.decode.image_file import load_still
from pipeline.media.decode.reader import Reader
from pipeline.motion.dream_mask import MaskFrames, ReadFrames


def read_mask(
    path: Path, pictures: tuple[Clip, NDArray[np.int64]] | None, size: tuple[int, int], *, by_opacity: bool
) -> MaskFrames:
    """The mask for frames of ``size`` (H, W): of a clip and the index of its picture for each frame, or of a still."""

    def reader(grey: float) -> ReadFrames:
        height, width, background = *size, (grey, grey, grey)
        if pictures is not None:
            return Reader(*pictures, width=width, height=height, background=background).frames
        still = load_still(path, width=width, height=height, background=background)

        def frames(first: int) -> Iterator[Tensor]:
            return repeat(still)

        return frames

    return MaskFrames(reader(0.0), reader(1.0) if by_opacity else None)
