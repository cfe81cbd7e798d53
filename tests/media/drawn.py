"""Pictures that the tests draw themselves."""

from fractions import Fraction
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.media.encoder import Encoder

SIZE = (48, 64)  # H, W


def clouds(seed: int, size: tuple[int, int] = SIZE) -> Tensor:
    """A smooth colourful frame ``(1, 3, H, W)``."""
    coarse = torch.rand(1, 3, 4, 5, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(coarse, size=size, mode="bicubic").clamp(0, 1)


def film(path: Path, frames: int = 6, fps: Fraction = Fraction(24), quality: str = "best") -> Path:
    """An encoded part file of ``frames`` frames, to be named ``path``."""
    with Encoder(path, width=SIZE[1], height=SIZE[0], fps=fps, quality=quality) as encoder:
        for index in range(frames):
            encoder.write(clouds(index))
    return encoder.part
