"""Sound over footage: the same packets at the same time."""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.media import ffmpeg
from pipeline.media.sound.source_audio import Sound, check_channels, find_damage
from pipeline.media.sound.tracks import Track, footage_tracks
from tests.media.drawing import draw, with_sound
from tests.media.drawn import film, joined


def packets(path: Path) -> list[tuple[float, str]]:
    """(second, checksum) of every sound packet."""
    report = ffmpeg.run(
        ["-i", f"file:{path}", "-map", "0:a:0", "-c", "copy", "-f", "framecrc", "pipe:1"], doing="listing"
    ).decode()
    base = re.search(r"#tb 0: (\d+)/(\d+)", report)
    assert base
    tick = Fraction(int(base[1]), int(base[2]))
    rows = [line.split(",") for line in report.splitlines() if not line.startswith("#")]
    return [(float(int(row[2]) * tick), row[5].strip()) for row in rows]


def samples(path: Path, rate: int = 48000) -> np.ndarray:
    """The sound as a player hears it from second 0 of the film on, mono."""
    data = ffmpeg.run(
        [
            *("-i", f"file:{path}", "-map", "0:a:0", "-af", "aresample=async=1:first_pts=0"),
            *("-ac", "1", "-ar", str(rate), "-f", "f32le", "pipe:1"),
        ],
        doing="listening",
    )
    return np.frombuffer(data, "<f4")


def made(tmp_path: Path, source: Path, name: str, **cut: object) -> Path:
    settings = {"start": 0.0, "end": None, "whole_start": True, **cut}
    sound = Sound(source, footage_tracks(source), **settings)  # type: ignore[arg-type]
    final = tmp_path / name
    return joined([film(tmp_path / "pictures.mp4", frames=24)], final, 24, sound=sound)


@pytest.mark.parametrize(
    ("codec", "source", "name"),
    [
        ("aac", "s.mp4", "f.mp4"),
        ("aac", "s.mkv", "f.mov"),
        ("libmp3lame", "s.mp4", "f.mp4"),
        ("libopus", "s.mkv", "f.mkv"),
        ("libopus", "s.mkv", "f.mp4"),
        ("flac", "s.mkv", "f.mp4"),
        ("pcm_s16le", "s.mov", "f.mov"),
        ("ac3", "s.mov", "f.mkv"),
        ("pcm_f32le", "s.mkv", "f.mkv"),
        ("pcm_s32le", "s.mkv", "f.mov"),
    ],
)
def test_packets_are_the_same_bytes(tmp_path: Path, codec: str, source: str, name: str) -> None:
    path = with_sound(tmp_path / source, "-c:a", codec)
    before, after = packets(path), packets(made(tmp_path, path, name))
    assert [crc for _, crc in before] == [crc for _, crc in after]
    assert max(abs(a - b) for (a, _), (b, _) in zip(before, after, strict=True)) < 0.002


@pytest.mark.parametrize(("codec", "name"), [("pcm_s16le", "f.mp4"), ("pcm_s24le", "f.mp4"), ("flac", "f.mov")])
def test_unsupported_codecs_are_encoded_losslessly(tmp_path: Path, codec: str, name: str) -> None:
    path = with_sound(tmp_path / "s.mkv", "-c:a", codec)
    assert "lossless" in Sound(path, footage_tracks(path), 0.0, None, True).note(name.partition(".")[2])
    film_made = made(tmp_path, path, name)
    assert np.array_equal(samples(path), samples(film_made)[: len(samples(path))])


@pytest.mark.parametrize("codec", ["pcm_f32le", "libvorbis"])
def test_rounded_samples_are_not_called_lossless(tmp_path: Path, codec: str) -> None:
    path = with_sound(tmp_path / "s.mkv", "-c:a", codec)
    text = Sound(path, footage_tracks(path), 0.0, None, True).note("mp4")
    assert "FLAC of 24 bits" in text and "full scale" in text and "lossless" not in text
    actual, meant = samples(made(tmp_path, path, "f.mp4")), samples(path)
    assert np.abs(actual[: len(meant)] - meant).max() < 2**-22


@pytest.mark.parametrize(
    ("layout", "count"),
    [
        ("mono", 1),
        ("stereo", 2),
        ("5.1(side)", 6),
        ("7.1.4", 12),
        ("22.2", 24),
        ("10 channels", 10),
        ("ambisonic 3", 16),
    ],
)
def test_channels_are_counted(layout: str, count: int) -> None:
    track = Track(layout=layout)
    assert bool(track.mixdown) == (count > 8)
    assert track.is_mono if count == 1 else track.channels == count


def test_too_many_channels_are_refused(tmp_path: Path) -> None:
    tone = "|".join(["0.1*sin(900*t)"] * 10)
    sound = ("-f", "lavfi", "-i", f"aevalsrc='{tone}':s=48000:d=0.2", "-c:a", "pcm_s16le")
    path = draw(tmp_path / "ten.mkv", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=24:d=0.2", *sound)
    with pytest.raises(
        ConfigError, match="10 channels of pcm_s16le, which mp4 does not hold, nor has FLAC more than 8"
    ):
        check_channels(footage_tracks(path), "mp4")
    check_channels(footage_tracks(path), "matroska")
    check_channels(footage_tracks(path), "mov")


@pytest.mark.parametrize(("codec", "name"), [("flac", "d.mkv"), ("aac", "d.mp4")])
def test_damaged_sound_is_detected_where_used(tmp_path: Path, codec: str, name: str) -> None:
    path = with_sound(tmp_path / name, "-c:a", codec)
    tracks = footage_tracks(path)
    assert find_damage(path, tracks, 0.0) == find_damage(path, tracks, 0.5) == ""
    data = bytearray(path.read_bytes())
    at = int(len(data) * 0.6)
    data[at : at + 60] = bytes(60)
    path.write_bytes(data)
    text = find_damage(path, tracks, 0.0)
    assert text.startswith("at about 0.")
    second = float(text.split()[2])
    assert 0.2 < second < 0.9
    assert find_damage(path, tracks, 0.0, second - 0.15) == ""


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_a_cut_stays_in_sync(tmp_path: Path, codec: str) -> None:
    path = with_sound(tmp_path / "s.mkv", "-c:a", codec, seconds=2.0)
    whole = samples(path)
    part = samples(made(tmp_path, path, "f.mp4", start=0.5, end=1.5, whole_start=False))
    assert 0.95 < len(part) / 48000 < 1.07
    begin = 4800  # past the packet at the cut
    actual, meant = part[begin : begin + 24000], whole[24000 + begin : 48000 + begin]
    shifts = range(-240, 241, 24)
    nearest = min(shifts, key=lambda s: float(np.abs(actual[300:-300] - np.roll(meant, s)[300:-300]).mean()))
    assert abs(nearest) <= 24  # half a millisecond


def test_a_start_offset_is_honoured(tmp_path: Path) -> None:
    plain = with_sound(tmp_path / "p.mkv", "-c:a", "pcm_s16le")
    late = tmp_path / "late.mkv"
    arguments = ["-i", f"file:{plain}", "-itsoffset", "0.25", "-i", f"file:{plain}", "-map", "0:v", "-map", "1:a"]
    ffmpeg.run([*arguments, "-c", "copy", "-y", f"file:{late}"], doing="delaying")
    actual, meant = samples(made(tmp_path, late, "f.mkv")), samples(plain)
    assert float(np.abs(actual[: 12000 - 100]).max()) == 0
    assert np.abs(actual[12000 : 12000 + 20000] - meant[:20000]).mean() < 0.01


def test_containers_without_sound_have_a_note(tmp_path: Path) -> None:
    sound = Sound(tmp_path / "a.mp4", (Track(codec="aac"),), 0.0, None, True)
    assert sound.outputs("gif", 2) == [] and "left out" in sound.note("gif")


@pytest.mark.parametrize(("source", "codec", "copies"), [("a.ts", "aac", 1), ("a.ts", "aac", 4), ("a.mpg", "mp2", 3)])
def test_sound_of_mpeg_streams_keeps_step(tmp_path: Path, source: str, codec: str, copies: int) -> None:
    click = "aevalsrc='if(between(t,0.5,0.55),sin(6000*t),0)':s=48000:d=1"
    picture = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=24:d=1", "-f", "lavfi", "-i", click)
    part = draw(tmp_path / f"part-{source}", *picture, "-c:v", "libx264", "-c:a", codec)
    joined_up = tmp_path / source
    joined_up.write_bytes(part.read_bytes() * copies)
    actual = np.abs(samples(made(tmp_path, joined_up, "f.mp4"))) > 0.3
    starts = [
        float(start) / 48000 for start in np.flatnonzero(actual) if not actual[max(0, start - 4800) : start].any()
    ]
    assert starts == pytest.approx([0.5 + number for number in range(copies)], abs=0.013)
