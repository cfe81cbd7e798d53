"""Frames that go into other pictures: kept without loss, read back as they were."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipeline.config import EncodeConfig
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import PICTURES, check_file, look, source
from pipeline.media.encode.encode_args import coding_of

SUFFIX = ".kept.nut"


def lossless(encode: EncodeConfig) -> EncodeConfig:
    """The settings with which frames of a film in ``encode`` are kept: all their steps, 8 bits or 16 per colour."""
    return replace(encode, codec="ffv1", quality="good", bits="8" if coding_of(encode).bits == 8 else "16")


def read(paths: Sequence[Path]) -> Iterator[Tensor]:
    """The frames of lossless files, one file after the other, ``(1, 3, H, W)`` in [0, 1] on the CPU.

    Raises InputError.
    """
    for path in paths:
        check_file(path)
        facts = look(path)
        size = (facts.height, facts.width, 3)
        deep = "16" in facts.pixel_format  # where it need not, swscale must not widen: its white is a little less
        layout, kind, white = ("rgb48le", np.uint16, 65535) if deep else ("rgb24", np.uint8, 255)
        arguments = ["-xerror", *source(path), "-map", PICTURES, "-fps_mode", "passthrough"]
        arguments += ["-pix_fmt", layout, "-f", "rawvideo", "pipe:1"]
        for data in ffmpeg.stream(
            arguments, block=size[0] * size[1] * 3 * np.dtype(kind).itemsize, doing=f"reading {path}"
        ):
            picture = np.frombuffer(data, kind).reshape(size).astype(np.float32) / white
            yield torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]
