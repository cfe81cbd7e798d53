"""Segments become one film: every frame at its time, with the record inside."""

from fractions import Fraction
from math import floor
from pathlib import Path

import pytest

from pipeline.config import EncodeConfig
from pipeline.errors import EncoderError, InputError, OutputError
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import decode, source
from pipeline.media.encode.mux import read_record
from pipeline.media.sound.song_audio import Soundtrack, first_track
from tests.counted import probe_and_count
from tests.media.drawing import draw
from tests.media.drawn import SIZE, assemble_film, film, joined

RECORD = "seed: 7\nquotes: \"a\" 'b'\nsigns: x=y; #z \\ \\n %d\n\n  [section]\r\nwörds: 日本 😀\n  "
RATES = [Fraction(24), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60), Fraction(25, 2), Fraction(1, 2)]


def pieces(folder: Path, counts: tuple[int, ...] = (4, 4, 4), ending: str = ".mp4", **options: object) -> list[Path]:
    """Segments of ``counts`` frames of one film, clouds 0 and after."""
    folder.mkdir(exist_ok=True)
    firsts = [sum(counts[:number]) for number in range(len(counts))]
    return [
        film(folder / f"{first}{ending}", frames, first=first, **options)  # type: ignore[arg-type]
        for first, frames in zip(firsts, counts, strict=True)
    ]


def done(tmp_path: Path, name: str = "a.mp4", record: str = RECORD, **options: object) -> Path:
    parts = pieces(tmp_path, (2, 4), **options)
    return joined(parts, tmp_path / name, 6, record=record, title="Ä = film")


def times(path: Path) -> list[Fraction]:
    """When each packet is shown, in seconds."""
    copy = ["-map", "0:v:0", "-c", "copy", "-copyts", "-f", "framecrc", "pipe:1"]
    lines = ffmpeg.run([*source(path), *copy], doing="reading").decode().splitlines()
    tick = Fraction(next(line for line in lines if line.startswith("#tb 0: ")).removeprefix("#tb 0: "))
    packets = [line.split(",") for line in lines if not line.startswith("#")]
    return sorted(int(packet[2]) * tick for packet in packets)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
@pytest.mark.parametrize("fps", RATES)
def test_every_frame_has_its_time_and_the_file_its_tags(tmp_path: Path, name: str, fps: Fraction) -> None:
    path = joined(pieces(tmp_path, (5, 3, 7), fps=fps, quality="good"), tmp_path / name, 15, fps)
    expected = [index / fps for index in range(15)]
    if name == "a.mkv":  # whose clock ticks in milliseconds
        expected = [Fraction(floor(time * 1000 + Fraction(1, 2)), 1000) for time in expected]
    assert times(path) == expected
    facts = probe_and_count(path)
    assert (facts.frames, facts.codec, facts.pixel_format, facts.fps) == (15, "h264", "yuv420p", fps)
    assert (facts.colour_range, facts.colour_space) == ("tv", "bt709")
    assert (facts.colour_primaries, facts.colour_transfer) == ("bt709", "bt709")


def test_many_segments_stay_in_time(tmp_path: Path) -> None:
    fps = Fraction(24000, 1001)
    (piece,) = pieces(tmp_path, (7,), fps=fps, quality="draft")
    final = tmp_path / "a.mp4"
    height, width = SIZE
    settings = EncodeConfig()
    assemble_film(
        [piece] * 300,
        final,
        encode=settings,
        width=width,
        height=height,
        fps=fps,
        frames=2100,
        record="r",
        title="t",
        overwrite=False,
    )
    assert times(final) == [index / fps for index in range(2100)]


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = done(tmp_path / "one"), done(tmp_path / "two", "b.mp4")
    assert one.read_bytes() == two.read_bytes()


def test_the_index_comes_first(tmp_path: Path) -> None:
    data = done(tmp_path).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_nothing_but_the_film_is_left(tmp_path: Path) -> None:
    path = done(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_folders_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "it's a 'film' %d \\ #1: file:x"
    parts = pieces(folder)
    assert probe_and_count(joined(parts, folder / "a'b\\.mp4", 12)).frames == 12
    assert probe_and_count(joined(pieces(folder), tmp_path / "elsewhere.mp4", 12)).frames == 12


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_the_record_reads_back_whole(tmp_path: Path, name: str) -> None:
    record = RECORD + "=;#\\ é\n" * 2000
    assert read_record(done(tmp_path, name, record)) == record


def test_a_film_without_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no run record"):
        read_record(done(tmp_path, record=""))


def test_a_record_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="does not read back"):
        done(tmp_path, record="cut\0here")
    assert not (tmp_path / "a.mp4").exists() and len(list(tmp_path.iterdir())) == 2


def test_joining_keeps_the_pictures(tmp_path: Path) -> None:
    parts = pieces(tmp_path)
    before = [frame for part in parts for frame in decode(part)]
    after = decode(joined(parts, tmp_path / "a.mp4", 12))
    assert all((one == two).all() for one, two in zip(before, after, strict=True))


def test_joining_replaces_only_with_overwrite(tmp_path: Path) -> None:
    final = tmp_path / "a.mp4"
    parts = pieces(tmp_path)
    final.write_bytes(b"somebody's film")
    with pytest.raises(OutputError, match=rf"{final} appeared while .* segments are in {tmp_path}"):
        joined(parts, final, 12)
    assert final.read_bytes() == b"somebody's film" and all(part.exists() for part in parts)
    joined(parts, final, 12, overwrite=True)
    assert probe_and_count(final).frames == 12
    assert list(tmp_path.iterdir()) == [final]


@pytest.mark.parametrize("harm", ["cut", "emptied", "missing", "short", "foreign"])
def test_damaged_segments_make_no_film(tmp_path: Path, harm: str) -> None:
    parts = pieces(tmp_path)
    if harm == "cut":
        parts[1].write_bytes(parts[1].read_bytes()[:-200])
    elif harm == "emptied":
        parts[1].write_bytes(b"")
    elif harm == "missing":
        parts[1].unlink()
    elif harm == "short":
        parts.pop()
    else:
        parts[1].write_text(f"ffconcat version 1.0\nfile {parts[0].name}\n")
    with pytest.raises((InputError, EncoderError)):
        joined(parts, tmp_path / "a.mp4", 12)
    assert not (tmp_path / "a.mp4").exists()
    assert not [path for path in tmp_path.iterdir() if "finished" in path.name]


def test_chapters_of_the_sound_stay_out(tmp_path: Path) -> None:
    chapters = tmp_path / "chapters"
    chapters.write_text(";FFMETADATA1\n" + "[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=30\ntitle=a\n" * 2, encoding="utf-8")
    song = draw(tmp_path / "a.m4a", "-f", "lavfi", "-i", "sine=d=60", "-i", str(chapters), "-map_metadata", "1")
    sound = Soundtrack(song, (first_track(song),), 0.0, None, True, 0.25, 0.0, False)
    path = joined(pieces(tmp_path / "p", (6,)), tmp_path / "a.mp4", 6, sound=sound)
    log = ffmpeg.run_with_log(["-i", f"file:{path}", "-f", "ffmetadata", "pipe:1"], doing="reading", level="info")[1]
    assert "Chapter" not in log and "Data:" not in log and log.count("Stream #0:") >= 2
