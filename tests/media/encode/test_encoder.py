"""A segment is complete or does not exist; frames and colours are right."""

import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.config import EncodeConfig
from pipeline.errors import ConfigError, DreamError, EncoderError, OutputError
from pipeline.image import from_array
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import decode, probe, source
from pipeline.media.encode.codecs import check_output
from pipeline.media.encode.encoder import Encoder
from pipeline.media.encode.pixel_format import to_bytes, to_yuv420
from tests.media.drawn import SIZE, clouds, film


def opened(path: Path, *, planar: bool = False, **encode: Any) -> Encoder:
    height, width = SIZE
    return Encoder(path, width=width, height=height, fps=Fraction(24), encode=EncodeConfig(**encode), planar=planar)


def test_frames_come_back_as_they_were(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4")
    frames = list(decode(path))
    assert len(frames) == 6
    for index, frame in enumerate(frames):
        error = from_array(frame / 255) - clouds(index)
        assert error.abs().mean() < 0.012
        assert error.mean((2, 3)).abs().max() < 0.002  # no shift in any colour


@pytest.mark.parametrize("planar", [False, True])
def test_a_colour_is_that_colour(tmp_path: Path, planar: bool) -> None:
    frame = torch.tensor([0.9, 0.2, 0.4]).reshape(1, 3, 1, 1).expand(1, 3, 48, 64)
    with opened(tmp_path / "a.mp4", quality="best", planar=planar) as encoder:
        encoder.write(frame)
    error = from_array(next(decode(encoder.part)) / 255) - frame
    assert error.abs().max() < 0.012


@pytest.mark.parametrize("planar", [False, True])
def test_colours_sit_where_players_look_for_them(tmp_path: Path, planar: bool) -> None:
    ramp = torch.linspace(0, 1, 64)
    frame = torch.zeros(1, 3, 48, 64)
    frame[:, 2] = ramp
    with opened(tmp_path / "a.mp4", quality="best", planar=planar) as encoder:
        encoder.write(frame)
    plane = ["-vf", "extractplanes=u", "-f", "rawvideo", "pipe:1"]
    data = ffmpeg.run([*source(encoder.part), *plane], doing="reading")
    result = torch.frombuffer(bytearray(data), dtype=torch.uint8).reshape(24, 32)[:, 2:-2].float().mean(0)
    expected = 128 + 224 * ramp[::2][2:-2] * (1 - 0.0722) / 1.8556  # at the left pixel of each pair
    assert abs(float((result - expected).mean())) < 0.3  # half a pixel would be 0.9


@pytest.mark.parametrize("codec", ["h264", "h265", "av1", "vp9"])
def test_planar_input_gives_the_same_picture_and_tags(tmp_path: Path, codec: str) -> None:
    decoded, facts = [], []
    for planar in (False, True):
        with opened(tmp_path / "a.mp4", codec=codec, quality="best", planar=planar) as encoder:
            for index in range(4):
                encoder.write(clouds(index))
        decoded.append(torch.stack([from_array(frame / 255) for frame in decode(encoder.part)]))
        facts.append(probe(encoder.part))
    assert facts[0] == facts[1]
    for index, frames in enumerate(zip(*decoded, strict=True)):
        errors = [frame - clouds(index) for frame in frames]
        assert errors[1].abs().mean() < 1.1 * errors[0].abs().mean() + 1e-4
        assert errors[1].mean((2, 3)).abs().max() < 0.003


def test_planar_conversion_rounds_once() -> None:
    levels = torch.tensor([0.0, 1.0, 0.5, 2.0, -1.0, 0.25]).repeat_interleave(2)
    planes = to_yuv420(levels.expand(1, 3, 4, 12))
    luma, colour = planes[:48].reshape(4, 12), planes[48:]
    assert luma[3, ::2].tolist() == [16, 235, 126, 235, 16, 71]  # 125.5 goes to the even one, as everywhere
    assert colour.tolist() == [128] * 24
    blue = torch.zeros(1, 3, 2, 4)
    blue[:, 2, :, 2:] = 1
    assert to_yuv420(blue)[8:10].tolist() == [128, 212]  # three quarters of 112 at the edge's right pixel


def test_only_eight_bit_codecs_take_planar_input(tmp_path: Path) -> None:
    for words, size in (({}, 4608), ({"bits": "10"}, 18432), ({"codec": "h265", "on_gpu": False}, 9216)):
        assert len(opened(tmp_path / "a.mp4", planar=True, **words).pack(clouds(1))) == size


def test_better_quality_is_larger(tmp_path: Path) -> None:
    sizes = [film(tmp_path / f"{quality}.mp4", quality=quality).stat().st_size for quality in ("draft", "good", "best")]
    assert sizes == sorted(sizes)


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:
    threads = threading.active_count()
    for error in (KeyboardInterrupt, DreamError):
        encoder = opened(tmp_path / "a.mp4")
        with pytest.raises(error), encoder:
            encoder.write(clouds(1))
            raise error
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == threads


def test_a_film_without_frames_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(EncoderError, match="there was no frame"),
        opened(tmp_path / "a.mp4"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_nan_and_infinity_are_refused(tmp_path: Path) -> None:
    encoder = opened(tmp_path / "a.mp4")
    with pytest.raises(DreamError, match=r"frame 1 of .* no numbers"), encoder:
        encoder.write(clouds(0))
        encoder.write(clouds(1) / 0 * 0)


@pytest.mark.parametrize("bits", ["8", "10"])
def test_frames_fetched_later_are_those_packed_at_once(tmp_path: Path, bits: str) -> None:
    made = []
    for later in (False, True):
        with opened(tmp_path / "a.mp4", bits=bits) as encoder:
            for index in range(30):
                frame = clouds(index)
                (encoder.write_later if later else encoder.write)(frame)
                frame.zero_()  # its memory is used again
        made.append(encoder.part.read_bytes())
    assert made[0] == made[1]
    with pytest.raises(DreamError, match=r"frame 1 of .* no numbers"), opened(tmp_path / "a.mp4") as encoder:
        for index in range(3):
            encoder.write_later(clouds(0) / (index != 1) * (index != 1))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("bits", ["8", "10"])
def test_gpu_frames_equal_cpu_frames(tmp_path: Path, bits: str) -> None:
    made = []
    for device in ("cpu", "cuda"):
        with opened(tmp_path / "a.mp4", bits=bits) as encoder:
            for index in range(30):
                encoder.write(clouds(index).to(device))
        made.append(encoder.part.read_bytes())
    assert made[0] == made[1]
    with pytest.raises(DreamError, match=r"frame 1 of .* no numbers"), opened(tmp_path / "a.mp4") as encoder:
        encoder.write(clouds(0).cuda())
        encoder.write(clouds(1).cuda() / 0 * 0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_gpu_planes_equal_cpu_planes() -> None:
    for index in range(8):
        here, there = to_yuv420(clouds(index)), to_yuv420(clouds(index).cuda()).cpu()
        assert (here.int() - there.int()).abs().max() <= 1  # a GPU multiplies and adds in one go
        assert (here != there).float().mean() < 0.001


def test_impossible_sizes_and_settings_are_refused(tmp_path: Path) -> None:
    path, fps = tmp_path / "a.mp4", Fraction(24)
    with pytest.raises(OutputError, match=r"65x48 pixels; h264 needs even sizes"):
        Encoder(path, width=65, height=48, fps=fps, encode=EncodeConfig())
    with pytest.raises(ConfigError, match=r"encode.quality=god: allowed are .* \(did you mean good\?\)"):
        opened(path, quality="god")
    with pytest.raises(ConfigError, match=r"encode.codec=h263: allowed are h264, .*did you mean h26"):
        opened(path, codec="h263")
    with pytest.raises(ValueError, match="a frame of"), opened(path) as encoder:
        encoder.write(clouds(1, (64, 48)))


def test_bytes_are_rounded_and_clamped() -> None:
    frame = torch.tensor([-1.0, 0.4 / 255, 0.6 / 255, 254.6 / 255, 2.0]).expand(1, 3, 1, 5)
    for kind in (torch.float32, torch.float64):
        assert to_bytes(frame.to(kind))[0, :, 0].tolist() == [0, 0, 1, 255, 255]


def test_outputs_are_checked_before_rendering(tmp_path: Path) -> None:
    check_output(tmp_path / "new" / "folder" / "a.mp4", False)
    assert (tmp_path / "new" / "folder").is_dir() and not any((tmp_path / "new" / "folder").iterdir())
    there = tmp_path / "there.mp4"
    there.write_bytes(b"film")
    check_output(there, True)
    assert there.read_bytes() == b"film"
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "link.mp4").symlink_to(tmp_path / "nowhere")
    for path, overwrite, words in (
        (there, False, "exists already; give overwrite=true to replace it, or another output="),
        (tmp_path / "folder.mp4", True, "is a folder"),
        (tmp_path / "link.mp4", True, "is a link, which would be replaced by a file"),
        (there / "a.mp4", False, "cannot be written"),
        (Path("/proc/a.mp4"), False, "cannot be written"),
        (tmp_path / ("a" * 250 + ".mp4"), False, "cannot be written: .*too long"),
        (tmp_path / "a.avi", False, r"ends in \.avi; allowed for h264 are \.mp4, \.mov, \.mkv"),
        (tmp_path / "a", False, "has no ending; allowed for h264 are"),
    ):
        with pytest.raises(OutputError, match=words) as caught:
            check_output(path, overwrite)
        assert str(path) in str(caught.value)
