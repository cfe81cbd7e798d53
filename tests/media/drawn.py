"""Frames and films drawn for tests."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.config import EncodeConfig
from pipeline.media.encode.encoder import Encoder
from pipeline.media.encode.mux import assemble
from pipeline.media.encode.video_spec import VideoSpec

SIZE = (48, 64)  # H, W


def clouds(seed: int, size: tuple[int, int] = SIZE) -> Tensor:
    """A smooth colourful frame ``(1, 3, H, W)``."""
    coarse = torch.rand(1, 3, 4, 5, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(coarse, size=size, mode="bicubic").clamp(0, 1)


def film(path: Path, frames: int = 6, fps: Fraction = Fraction(24), first: int = 0, **encode: str) -> Path:
    """An encoded part file of ``frames`` frames, clouds ``first`` and after, to be named ``path``."""
    settings = EncodeConfig(**{"quality": "best", **encode})
    with Encoder(path, width=SIZE[1], height=SIZE[0], fps=fps, encode=settings) as encoder:
        for index in range(first, first + frames):
            encoder.write(clouds(index))
    return encoder.part


def joined(segments: Sequence[Path], final: Path, frames: int, fps: Fraction = Fraction(24), **options: Any) -> Path:
    """The film ``final`` of these segments, which are removed."""
    settings = {"record": "r", "title": "t", "overwrite": False, "encode": EncodeConfig(), **options}
    assemble_film(segments, final, width=SIZE[1], height=SIZE[0], fps=fps, frames=frames, **settings)
    for segment in segments:
        segment.unlink()
    return final


def assemble_film(segments: Sequence[Path], final: Path, **settings: Any) -> None:
    """``assemble``, with the fields of its VideoSpec as keywords."""
    how = {key: settings.pop(key) for key in ("sound", "before_rename") if key in settings}
    assemble(segments, VideoSpec(final, **settings), **how)
