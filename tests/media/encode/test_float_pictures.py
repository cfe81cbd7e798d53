"""EXR and TIFF pictures, read by programs that did not write them: values, colours, record."""

import io
import subprocess
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from pipeline.config import EncodeConfig
from pipeline.errors import ConfigError, OutputError
from pipeline.media import ffmpeg
from pipeline.media.encode.encode_args import coding_of
from pipeline.media.encode.mux import read_record
from tests.media.drawn import assemble_film, clouds
from tests.media.encode.test_codecs import RECORD, SIZE, drawn, encoded, film


def read_exr(path: Path) -> NDArray[np.float16]:
    """The numbers in an EXR picture ``(H, W, 3)``, by ffmpeg's own decoder."""
    arguments = ["-f", "exr_pipe", "-i", f"file:{path}", "-pix_fmt", "gbrpf16le", "-f", "rawvideo", "pipe:1"]
    planes = np.frombuffer(ffmpeg.run(arguments, doing="reading"), "<f2").reshape(3, *SIZE)
    return planes[[2, 0, 1]].transpose(1, 2, 0)


def srgb(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light → numbers of the display, by the formula of IEC 61966-2-1."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("color", ["linear", "display"])
def test_exr_holds_the_light_of_the_frames(tmp_path: Path, color: str) -> None:
    path, _ = film(tmp_path, "frames/zoom_%04d.exr", EncodeConfig("exr", color=color))
    pictures = sorted((tmp_path / "frames").iterdir())
    assert [each.name for each in pictures] == [f"zoom_{n:04d}.exr" for n in range(12)]
    values = np.stack([read_exr(each) for each in pictures]).astype(float)
    shown = srgb(values) if color == "linear" else values
    assert np.abs(shown - drawn()).max() < 3e-4  # half floats have eleven bits
    header = pictures[0].read_bytes()[:4096]
    primaries = np.frombuffer(header.partition(b"chromaticities\0chromaticities\0")[2][4:36], "<f4")
    assert primaries.tolist() == pytest.approx([0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290])
    assert header.partition(b"compression\0compression\0")[2][4] == 3  # ZIP, 16 lines a block
    assert read_record(path) == read_record(tmp_path / "frames") == RECORD
    assert b"comments" not in pictures[1].read_bytes()


@pytest.mark.parametrize("bits", [8, 16])
def test_tiff_holds_the_frames_and_their_profile(tmp_path: Path, bits: int) -> None:
    _, _ = film(tmp_path, "frames", EncodeConfig("tiff", bits=str(bits)))
    pictures = sorted((tmp_path / "frames").iterdir())
    read = np.stack([cv2.imread(str(each), cv2.IMREAD_UNCHANGED)[..., ::-1] for each in pictures])
    white = 2**bits - 1
    assert read.dtype == f"uint{bits}" and np.abs(read / white - drawn()).max() < 1.01 / white
    assert read_record(tmp_path / "frames") == RECORD
    if bits == 8:
        with Image.open(pictures[0]) as image:
            profile = ImageCms.getOpenProfile(io.BytesIO(image.info["icc_profile"]))
            assert "sRGB" in ImageCms.getProfileDescription(profile)


@pytest.mark.parametrize("codec", ["exr", "tiff"])
def test_pictures_have_the_same_bytes_again(tmp_path: Path, codec: str) -> None:
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        path, _ = film(tmp_path / name, "frames", EncodeConfig(codec), frames=2)
        made.append([each.read_bytes() for each in sorted(path.iterdir())])
    assert made[0] == made[1]


def test_colour_that_a_codec_lacks_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"encode.color=linear: allowed for h264 are auto, display"):
        coding_of(EncodeConfig("h264", color="linear"))


@pytest.mark.parametrize("damage", [8, 40, 200, 1500])
@pytest.mark.parametrize("codec", ["exr", "tiff"])
def test_cut_pictures_hold_no_record_or_part_of_it(tmp_path: Path, codec: str, damage: int) -> None:
    path, _ = film(tmp_path, "frames", EncodeConfig(codec), frames=1)
    picture = next(path.iterdir())
    picture.write_bytes(picture.read_bytes()[:damage])
    try:
        assert RECORD.startswith(read_record(path))
    except Exception as error:
        assert "holds no run record" in str(error)


@pytest.mark.parametrize("codec", ["exr", "tiff"])
def test_full_disk_ends_in_a_sentence_and_leaves_nothing(tmp_path: Path, codec: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=72k", "none", str(disk)]
    if subprocess.run(command, capture_output=True, check=False, timeout=60).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        parts = [encoded(tmp_path / "a.nut", [clouds(n) for n in range(12)], EncodeConfig(codec))]
        size = {"width": SIZE[1], "height": SIZE[0], "fps": Fraction(24), "frames": 12, "record": "r", "title": "t"}
        with pytest.raises(OutputError, match=r"disk/.*frames.* cannot be written: .*(space|write)"):
            assemble_film(parts, disk / "frames", encode=EncodeConfig(codec), overwrite=False, **size)
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", "-l", str(disk)], capture_output=True, check=False, timeout=60)
