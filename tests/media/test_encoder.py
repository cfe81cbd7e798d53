"""A film is whole or not there, its frames and colours are those that were dreamed, and it knows its record."""

import threading
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from pipeline.errors import ConfigError, DreamError, EncoderError, InputError, OutputError
from pipeline.media import ffmpeg
from pipeline.media.codecs import check_output
from pipeline.media.encoder import Encoder, finish, read_record
from pipeline.media.files import part_path
from pipeline.media.pixels import from_array, to_bytes
from pipeline.media.video import decode, probe_video, source
from tests.media.drawn import clouds, film

RECORD = "seed: 7\nquotes: \"a\" 'b'\nsigns: x=y; #z \\ \\n %d\n\n  [section]\r\nwörds: 日本 😀\n  "


def done(tmp_path: Path, name: str = "a.mp4", record: str = RECORD, **options: object) -> Path:
    final = tmp_path / name
    part = film(final, **options)  # type: ignore[arg-type]
    finish(part, final, record=record, title="Ä = film", overwrite=False)
    return final


def times(path: Path) -> list[Fraction]:
    """When each packet is shown, in seconds."""
    copy = ["-map", "0:v:0", "-c", "copy", "-copyts", "-f", "framecrc", "pipe:1"]
    lines = ffmpeg.run([*source(path), *copy], doing="reading").decode().splitlines()
    tick = Fraction(next(line for line in lines if line.startswith("#tb 0: ")).removeprefix("#tb 0: "))
    packets = [line.split(",") for line in lines if not line.startswith("#")]
    return sorted(int(packet[2]) * tick for packet in packets)


def test_frames_come_back_as_they_were(tmp_path: Path) -> None:
    path = done(tmp_path)
    frames = list(decode(path))
    assert len(frames) == 6
    for index, frame in enumerate(frames):
        error = from_array(frame / 255) - clouds(index)
        assert error.abs().mean() < 0.012
        assert error.mean((2, 3)).abs().max() < 0.002  # no shift in any colour


def test_a_colour_is_that_colour(tmp_path: Path) -> None:
    frame = torch.tensor([0.9, 0.2, 0.4]).reshape(1, 3, 1, 1).expand(1, 3, 48, 64)
    with Encoder(tmp_path / "a.mp4", width=64, height=48, fps=Fraction(24), quality="best") as encoder:
        encoder.write(frame)
    error = from_array(next(decode(encoder.part)) / 255) - frame
    assert error.abs().max() < 0.012


def test_colours_sit_where_players_look_for_them(tmp_path: Path) -> None:
    ramp = torch.linspace(0, 1, 64)
    frame = torch.zeros(1, 3, 48, 64)
    frame[:, 2] = ramp
    with Encoder(tmp_path / "a.mp4", width=64, height=48, fps=Fraction(24), quality="best") as encoder:
        encoder.write(frame)
    plane = ["-vf", "extractplanes=u", "-f", "rawvideo", "pipe:1"]
    data = ffmpeg.run([*source(encoder.part), *plane], doing="reading")
    found = torch.frombuffer(bytearray(data), dtype=torch.uint8).reshape(24, 32)[:, 2:-2].float().mean(0)
    expected = 128 + 224 * ramp[::2][2:-2] * (1 - 0.0722) / 1.8556  # at the left pixel of each pair
    assert abs(float((found - expected).mean())) < 0.3  # half a pixel would be 0.9


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
@pytest.mark.parametrize("fps", [Fraction(24), Fraction(30000, 1001), Fraction(1, 2)])
def test_rate_and_tags(tmp_path: Path, name: str, fps: Fraction) -> None:
    facts = probe_video(done(tmp_path, name, fps=fps, frames=5))
    assert (facts.frames, facts.codec, facts.pixel_format) == (5, "h264", "yuv420p")
    assert facts.fps == fps
    assert (facts.colour_range, facts.colour_space) == ("tv", "bt709")
    assert (facts.colour_primaries, facts.colour_transfer) == ("bt709", "bt709")


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(30000, 1001), Fraction(25, 2), Fraction(2997, 100)])
def test_timestamps_are_exact(tmp_path: Path, fps: Fraction) -> None:
    assert times(done(tmp_path, fps=fps, frames=12)) == [index / fps for index in range(12)]


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one, two = done(tmp_path), done(tmp_path / "other", "b.mp4")
    assert one.read_bytes() == two.read_bytes()


def test_the_index_comes_first(tmp_path: Path) -> None:
    data = done(tmp_path).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_better_quality_is_larger(tmp_path: Path) -> None:
    sizes = [film(tmp_path / f"{quality}.mp4", quality=quality).stat().st_size for quality in ("draft", "good", "best")]
    assert sizes == sorted(sizes)


def test_nothing_but_the_film_is_left(tmp_path: Path) -> None:
    path = done(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:
    threads = threading.active_count()
    for error in (KeyboardInterrupt, DreamError):
        encoder = Encoder(tmp_path / "a.mp4", width=64, height=48, fps=Fraction(24))
        with pytest.raises(error), encoder:
            encoder.write(clouds(1))
            raise error
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == threads


def test_a_film_without_frames_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(EncoderError, match="there was no frame"),
        Encoder(tmp_path / "a.mp4", width=64, height=48, fps=Fraction(24)),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    encoder = Encoder(tmp_path / "a.mp4", width=64, height=48, fps=Fraction(24))
    with pytest.raises(DreamError, match=r"frame 1 of .* no numbers"), encoder:
        encoder.write(clouds(0))
        encoder.write(clouds(1) / 0 * 0)


def test_what_cannot_be_encoded_is_refused(tmp_path: Path) -> None:
    path, fps = tmp_path / "a.mp4", Fraction(24)
    with pytest.raises(OutputError, match=r"65x48 pixels; h264 needs even sizes"):
        Encoder(path, width=65, height=48, fps=fps)
    with pytest.raises(ConfigError, match=r"encode.quality=god: allowed are .* \(did you mean good\?\)"):
        Encoder(path, width=64, height=48, fps=fps, quality="god")
    with pytest.raises(ConfigError, match=r"encode.codec=h263: allowed are h264 \(did you mean h264\?\)"):
        Encoder(path, width=64, height=48, fps=fps, codec="h263")
    with pytest.raises(ValueError, match="a frame of"), Encoder(path, width=64, height=48, fps=fps) as encoder:
        encoder.write(clouds(1, (64, 48)))


def test_bytes_are_rounded_and_clamped() -> None:
    frame = torch.tensor([-1.0, 0.4 / 255, 0.6 / 255, 254.6 / 255, 2.0]).expand(1, 3, 1, 5)
    for kind in (torch.float32, torch.float64):
        assert to_bytes(frame.to(kind))[0, :, 0].tolist() == [0, 0, 1, 255, 255]


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_the_record_reads_back_whole(tmp_path: Path, name: str) -> None:
    record = RECORD + "=;#\\ é\n" * 2000
    assert read_record(done(tmp_path, name, record)) == record


def test_a_film_without_record_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no run record"):
        read_record(done(tmp_path, record=""))


def test_a_record_that_does_not_fit_is_said(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="does not read back"):
        done(tmp_path, record="cut\0here")
    assert [path.name for path in tmp_path.iterdir()] == [part_path(Path("a.mp4")).name]


def test_finishing_keeps_the_pictures(tmp_path: Path) -> None:
    part = film(tmp_path / "a.mp4")
    before = list(decode(part))
    finish(part, tmp_path / "a.mp4", record=RECORD, title="", overwrite=False)
    after = decode(tmp_path / "a.mp4")
    assert all((one == two).all() for one, two in zip(before, after, strict=True))


def test_finishing_never_replaces_unasked(tmp_path: Path) -> None:
    final = tmp_path / "a.mp4"
    part = film(final)
    final.write_bytes(b"somebody's film")
    with pytest.raises(OutputError, match=rf"{final} appeared .* complete in {part}"):
        finish(part, final, record=RECORD, title="", overwrite=False)
    assert final.read_bytes() == b"somebody's film" and part.exists()
    finish(part, final, record=RECORD, title="", overwrite=True)
    assert probe_video(final).frames == 6
    assert list(tmp_path.iterdir()) == [final]


def test_a_damaged_part_is_not_finished(tmp_path: Path) -> None:
    part = film(tmp_path / "a.mp4")
    part.write_bytes(part.read_bytes()[:-200])
    with pytest.raises(InputError):
        finish(part, tmp_path / "a.mp4", record=RECORD, title="", overwrite=False)
    assert not (tmp_path / "a.mp4").exists()


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
        (tmp_path / "link.mp4", True, "is not a regular file"),
        (there / "a.mp4", False, "cannot be written"),
        (Path("/proc/a.mp4"), False, "cannot be written"),
        (tmp_path / ("a" * 250 + ".mp4"), False, "cannot be written: .*too long"),
        (tmp_path / "a.avi", False, r"ends in \.avi; allowed for h264 are \.mp4, \.mov, \.mkv"),
        (tmp_path / "a", False, "has no ending; allowed for h264 are"),
    ):
        with pytest.raises(OutputError, match=words) as caught:
            check_output(path, overwrite)
        assert str(path) in str(caught.value)
