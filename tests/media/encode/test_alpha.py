"""Opacity in every codec that holds it, joined from segments and read by other programs."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageSequence
from torch import Tensor

from pipeline.config import EncodeConfig
from pipeline.media import ffmpeg
from pipeline.media.encode.codec_table import CODECS
from pipeline.media.encode.codecs import film_suffix, segment_suffix
from pipeline.media.encode.lossless import lossless, read_frames
from tests.media.drawn import assemble_film, clouds
from tests.media.encode.test_codecs import encoded

SIZE, FRAMES = (48, 64), 6
HOLDERS = [(name, bits) for name, codec in CODECS.items() for bits in codec.alpha]
LOSSY = {"prores": 0.012, "vp9": 0.05, "hap": 0.035, "webp": 0.002}  # mean error of the opacity


def drawn(index: int) -> Tensor:
    """Clouds whose opacity grows from left to right, and in time."""
    ramp = torch.linspace(0, 1, SIZE[1]).expand(1, 1, *SIZE) * (index + 1) / FRAMES
    return torch.cat([clouds(index), ramp], 1)


def read(path: Path, codec: str, bits: int) -> NDArray[np.float64]:
    """Frames ``(n, H, W, 4)`` in 0..1."""
    if codec == "tiff" and bits == 8:  # OpenCV multiplies it
        return np.stack([np.asarray(Image.open(each).convert("RGBA")) / 255 for each in sorted(path.iterdir())])
    if codec in ("png", "tiff"):
        pictures = [cv2.imread(str(each), cv2.IMREAD_UNCHANGED) for each in sorted(path.iterdir())]
        return np.stack([each[..., [2, 1, 0, 3]] / np.iinfo(each.dtype).max for each in pictures])
    if codec == "webp":
        with Image.open(path) as film:
            return np.stack([np.asarray(frame.convert("RGBA")) / 255 for frame in ImageSequence.Iterator(film)])
    if codec == "exr":
        made = []
        for each in sorted(path.iterdir()):
            opened = ["-f", "exr_pipe", "-i", f"file:{each}", "-pix_fmt", "gbrapf16le", "-f", "rawvideo", "pipe:1"]
            made.append(np.frombuffer(ffmpeg.run(opened, doing="reading"), "<f2").reshape(4, *SIZE))
        return np.stack(made)[:, [2, 0, 1, 3]].transpose(0, 2, 3, 1).astype(float)
    decoder = ["-c:v", "libvpx-vp9"] if codec == "vp9" else []
    arguments = [*decoder, "-i", f"file:{path}", "-pix_fmt", "rgba64le", "-f", "rawvideo", "pipe:1"]
    return np.frombuffer(ffmpeg.run(arguments, doing="reading"), "<u2").reshape(-1, *SIZE, 4) / 65535


@pytest.mark.parametrize(("codec", "bits"), HOLDERS)
def test_opacity_comes_back(tmp_path: Path, codec: str, bits: int) -> None:
    encode = EncodeConfig(codec, "best", str(bits), alpha="mask", color="display" if codec == "exr" else "auto")
    frames = [drawn(index) for index in range(FRAMES)]
    parts = [
        encoded(tmp_path / f"{at}{segment_suffix(codec, 'mask')}", frames[at : at + 3], encode, Fraction(24))
        for at in (0, 3)
    ]
    path = tmp_path / f"film{'.webm' if codec == 'vp9' else film_suffix(codec)}"
    size = {"width": SIZE[1], "height": SIZE[0], "fps": Fraction(24), "frames": FRAMES, "record": "r", "title": "t"}
    assemble_film(parts, path, encode=encode, overwrite=False, **size)
    result, expected = read(path, codec, bits), np.stack([f[0].permute(1, 2, 0).numpy() for f in frames]).astype(float)
    assert result.shape == expected.shape
    errors = np.abs(result[..., 3] - expected[..., 3])
    assert errors.mean() < LOSSY.get(codec, 0.51 / 255)
    if codec not in LOSSY:
        assert errors.max() < (1.1 / 255 if bits == 8 else 1.1 / 1023 if bits == 10 else 5e-4)
    if codec == "exr":  # multiplied, as compositors expect
        expected[..., :3] *= expected[..., 3:]
    visible = expected[..., 3] > 0.2
    assert np.abs(result[..., :3] - expected[..., :3])[visible].mean() < (0.02 if codec in LOSSY else 0.004)


def test_frames_for_transitions_keep_their_opacity(tmp_path: Path) -> None:
    for name in ("prores", "png"):
        encode = lossless(EncodeConfig(name, alpha="dream"))
        path = encoded(tmp_path / f"{name}.nut", [drawn(2)], encode, Fraction(24))
        (frame,) = read_frames([path])
        assert frame.shape == (1, 4, *SIZE) and float((frame - drawn(2)).abs().max()) < 0.6 / 255
