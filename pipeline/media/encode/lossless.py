"""Frames that are mixed into other frames later: stored without loss."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import Tensor

from pipeline.config import EncodeConfig
from pipeline.image import from_array
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import FIRST_VIDEO, decode, probe, source
from pipeline.media.encode.encode_args import TRANSFERS, coding_of
from pipeline.media.encode.hdr import from_hdr

SUFFIX = ".kept.nut"


def lossless(encode: EncodeConfig) -> EncodeConfig:
    """The settings that store frames of a film in ``encode`` without loss, with 8 or 16 bits per colour."""
    return replace(
        encode, codec="ffv1", quality="good", color="auto", bits="8" if coding_of(encode).bits == 8 else "16"
    )


def read_frames(paths: Sequence[Path]) -> Iterator[Tensor]:
    """The frames of lossless files or other segments, one file after the other, ``(1, 3, H, W)`` in [0, 1] on the CPU.

    HDR is graded down again. Those with opacity have four channels. Raises InputError.
    """
    for path in paths:
        facts = probe(path)
        # 16 bits only for files of more than 8: swscale's widening makes white a little darker.
        is_deep = any(bits in facts.pixel_format for bits in ("16", "10", "12"))
        pixels, kind, white = ("rgb48le", np.uint16, 65535) if is_deep else ("rgb24", np.uint8, 255)
        has_alpha = re.match(r"yuva|gbrap|rgba|bgra", facts.pixel_format) is not None
        pixels = {"rgb48le": "rgba64le", "rgb24": "rgba"}[pixels] if has_alpha else pixels
        arguments = ["-xerror", *source(path), "-map", FIRST_VIDEO, "-fps_mode", "passthrough"]
        arguments += ["-pix_fmt", pixels, "-f", "rawvideo", "pipe:1"]
        shape = (facts.height, facts.width, 4 if has_alpha else 3)
        block = facts.height * facts.width * shape[2] * np.dtype(kind).itemsize
        for data in ffmpeg.stream(arguments, block=block, doing=f"reading {path}"):
            frame = from_array(np.frombuffer(data, kind).reshape(shape).astype(np.float32) / white)
            yield from_hdr(frame, facts.colour_transfer)


def read_pictures(path: Path, indices: Sequence[int], encode: EncodeConfig) -> Iterator[Tensor]:
    """These frames of a segment, in ascending order, ``(1, 3, H, W)`` in [0, 1], HDR graded down. Raises InputError."""
    if encode.color in TRANSFERS:
        yield from (frame for index, frame in enumerate(read_frames([path])) if index in indices)
    elif indices:
        yield from (from_array(frame / 255.0) for frame in decode(path, indices))
