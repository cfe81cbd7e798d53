"""HDR10 and HLG: the stated curve, tags and levels, as ffmpeg's own colour conversion (zimg) reads them."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.config import EncodeConfig
from pipeline.errors import ConfigError
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import source
from pipeline.media.encode.codecs import film_suffix, segment_suffix
from pipeline.media.encode.encode_args import TRANSFERS, coding_of
from pipeline.media.encode.hdr import from_hdr, to_hdr
from pipeline.media.encode.lossless import read_frames
from tests.counted import probe_and_count
from tests.media.drawn import assemble_film, clouds
from tests.media.encode.test_codecs import encoded

COLOURS = torch.tensor([[0, 0, 0], [0.25, 0.25, 0.25], [0.5, 0.5, 0.5], [0.75, 0.75, 0.75], [1, 1, 1], [0.8, 0.3, 0.2]])
TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])


def expected_nits() -> np.ndarray:
    """The stated curve in BT.2020, written once more."""
    shown = COLOURS.numpy().astype(float)
    light = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    return light * (203 + 797 * light.max(1, keepdims=True) ** 3) @ TO_2020.T


def patches() -> torch.Tensor:
    """A frame of six columns."""
    return COLOURS.T.reshape(1, 3, 1, 6).repeat_interleave(16, 3).expand(1, 3, 48, 96).contiguous()


def film(folder: Path, codec: str, color: str) -> Path:
    encode = EncodeConfig(codec, "best", color=color)
    part = encoded(folder / f"a{segment_suffix(codec)}", [patches()] * 3, encode, Fraction(24))
    path = folder / f"film{film_suffix(codec)}"
    size = {"width": 96, "height": 48, "fps": Fraction(24), "frames": 3, "record": "r", "title": "t"}
    assemble_film([part], path, encode=encode, overwrite=False, **size)
    return path


@pytest.mark.parametrize("color", ["hdr10", "hlg"])
@pytest.mark.parametrize("codec", ["h265", "av1", "vp9", "prores"])
def test_light_is_that_of_the_stated_curve(tmp_path: Path, codec: str, color: str) -> None:
    path = film(tmp_path, codec, color)
    facts = probe_and_count(path)
    named = (facts.colour_range, facts.colour_space, facts.colour_primaries, facts.colour_transfer)
    assert named == ("tv", "bt2020nc", "bt2020", TRANSFERS[color]) and facts.pixel_format[-4:] in ("10le", "12le")
    # zimg has no display in mind for HLG: PQ is compared in nits, HLG through the inverse of its curve alone.
    chain = "zscale=transfer=linear:npl=1000:primaries=bt2020:matrix=gbr:range=pc,format=gbrpf32le"
    data = ffmpeg.run([*source(path), "-vf", chain, "-f", "rawvideo", "pipe:1"], doing="reading")
    planes = np.frombuffer(data, "<f4").reshape(3, 3, 48, 96)[1][[2, 0, 1]]
    nits = 1000 * planes[:, 8:40].mean(1).reshape(3, 6, 16)[:, :, 5:11].mean(2).T
    if color == "hdr10":
        assert nits == pytest.approx(expected_nits(), rel=0.06, abs=1.5)
        assert nits[4] == pytest.approx([1000] * 3, rel=0.02)
    else:
        assert (np.diff(nits[:5, 1]) > 0).all()
    if (codec, color) in (("h265", "hdr10"), ("av1", "hdr10")):
        arguments = [*source(path), "-vf", "showinfo", "-frames:v", "1", "-f", "null", "-"]
        report = ffmpeg.run_with_log(arguments, doing="reading", level="info")[1]
        assert "astering display" in report and "MaxCLL=1000" in report.replace(" ", "").replace("maxcll", "MaxCLL")


@pytest.mark.parametrize("color", ["hdr10", "hlg"])
def test_grade_is_undone_for_pictures_of_the_film(color: str) -> None:
    frame = clouds(3)
    graded = to_hdr(frame, color)
    assert float(graded.min()) >= 0 and float(graded.max()) <= 1
    error = (from_hdr(graded, TRANSFERS[color]) - frame).abs()
    assert float(error.max()) < 0.002 or (color == "hlg" and float(error.mean()) < 0.004)  # it clips deep bright blues


def test_hlg_puts_standard_white_where_the_standard_does() -> None:
    """BT.2408: 203 nits of a 1000-nit display are 75 % HLG and 58 % PQ."""
    grid = torch.linspace(0, 1, 20001).view(1, 1, 1, -1).expand(1, 3, 1, -1)
    light = torch.where(grid <= 0.04045, grid / 12.92, ((grid + 0.055) / 1.055) ** 2.4)[0, 0, 0]
    place = int(((light * (203 + 797 * light**3)) - 203).abs().argmin())
    assert float(to_hdr(grid, "hlg")[0, 0, 0, place]) == pytest.approx(0.75, abs=0.005)
    assert float(to_hdr(grid, "hdr10")[0, 0, 0, place]) == pytest.approx(0.58, abs=0.005)


def test_segments_read_back_as_they_were(tmp_path: Path) -> None:
    (frame, *_) = read_frames([film(tmp_path, "prores", "hdr10")])
    assert float((frame - patches())[..., 4::16].abs().max()) < 0.02


def test_hdr_has_ten_bits_and_a_codec_that_holds_it() -> None:
    assert coding_of(EncodeConfig("h265", color="hdr10")).bits == 10
    for encode, words in (
        (EncodeConfig("h264", color="hdr10"), "encode.color=hdr10: allowed for h264 are auto, display"),
        (EncodeConfig("h265", bits="8", color="hlg"), "encode.bits=8: allowed for h265 are auto, 10"),
        (EncodeConfig("prores", color="hdr10", alpha="mask"), "encode.alpha=mask: encode.color=hdr10 has no opacity"),
    ):
        with pytest.raises(ConfigError, match=words):
            coding_of(encode)
