"""Any sound file is analysed or refused; analyses are cached."""

import re
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.sound import decode
from pipeline.music import analysis
from pipeline.music.features import PER_SECOND
from pipeline.plan import song as song_plan
from tests.media.drawing import draw, with_sound
from tests.music.drawn import RATE, Drawing, save


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "dream-zoom" / "music"


COVER = ("-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=0.04", "-map", "0:a", "-map", "1:v", "-c:v", "png",
         "-disposition:v", "attached_pic")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("s.mp3", ["-b:a", "128k"]),
        ("s.m4a", ["-c:a", "aac"]),
        ("s.flac", []),
        ("s.ogg", ["-c:a", "libvorbis"]),
        ("s.opus", ["-c:a", "libopus"]),
        ("fast.wav", ["-ar", "192000", "-c:a", "pcm_s24le"]),
        ("slow.wav", ["-ar", "8000"]),
        ("slow.mp3", ["-ar", "8000"]),
        ("eight bits.wav", ["-c:a", "pcm_u8"]),
        ("cover.m4a", [*COVER, "-c:a", "aac"]),
        ("stereo.wav", ["-ac", "2"]),
        ("v.mp4", ["-f", "lavfi", "-i", "testsrc2=s=64x48:d=6", "-c:a", "aac"]),
        ("v.mkv", ["-f", "lavfi", "-i", "testsrc2=s=64x48:d=6", "-c:a", "flac"]),
    ],
)
def test_every_kind_of_file_has_its_beats_at_the_same_time(tmp_path: Path, name: str, arguments: list[str]) -> None:
    drawing = Drawing(120, seconds=6.0, hats=0.0)
    plain = drawing.save(tmp_path / "plain.wav")
    path = draw(tmp_path / name, "-i", f"file:{plain}", *arguments)
    analysis = song_plan.analyse(path)
    assert analysis.seconds == pytest.approx(6.0, abs=0.03)
    assert not analysis.damage
    strong = analysis.onsets[0][analysis.onsets[1] > 0.3]
    for beat in drawing.beats():
        assert np.abs(strong - beat).min() < 0.015
    assert analysis.levels.shape[0] == 4 and abs(analysis.levels.shape[1] - analysis.seconds * PER_SECOND) < 2
    assert analysis.levels.min() >= 0 and analysis.levels.max() == 1


def test_a_late_start_shifts_the_beats(tmp_path: Path) -> None:
    drawing = Drawing(120, seconds=4.0, hats=0.0)
    plain = drawing.save(tmp_path / "plain.wav")
    picture = ["-f", "lavfi", "-i", "testsrc2=s=64x48:d=5"]
    path = draw(tmp_path / "late.mp4", *picture, "-itsoffset", "0.5", "-i", f"file:{plain}", "-c:a", "aac")
    analysis = song_plan.analyse(path)
    strong = analysis.onsets[0][analysis.onsets[1] > 0.3]
    for beat in drawing.beats() + 0.5:
        assert np.abs(strong - beat).min() < 0.015


@pytest.mark.parametrize("count", [0, 1, 300, 1023, 5000, 30000])
@pytest.mark.parametrize("silent", [True, False])
def test_short_and_silent_songs(tmp_path: Path, count: int, silent: bool) -> None:
    sound = np.zeros(count, np.float32) if silent else np.cos(np.arange(count, dtype=np.float32) * 0.1)
    path = save(tmp_path / "s.wav", sound)
    if not count:
        with pytest.raises(InputError, match=r"s.wav holds no sound that can be read"):
            song_plan.analyse(path)
        return
    analysis = song_plan.analyse(path)
    assert analysis.seconds == pytest.approx(count / RATE, abs=1e-3)
    assert analysis.bpm is None and analysis.sections.tolist() == [0.0]
    assert np.isfinite(analysis.levels).all()
    assert (analysis.levels.max() == 0) == silent


def test_a_damaged_song_is_analysed_up_to_the_damage(tmp_path: Path) -> None:
    whole = draw(tmp_path / "w.flac", "-i", f"file:{Drawing(120, seconds=8).save(tmp_path / 'p.wav')}")
    data = bytearray(whole.read_bytes())
    broken = tmp_path / "b.flac"
    data[len(data) // 2 : len(data) // 2 + 4000] = bytes(4000)
    broken.write_bytes(data[: len(data) * 3 // 4])
    analysis = song_plan.analyse(broken)
    assert analysis.damage
    assert 2.0 < analysis.seconds < 7.9


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("s.wav", [], r"\d+ of its \d+ bytes are missing"),
        ("s.aiff", [], r"\d+ of its \d+ bytes are missing"),
        ("s.mp3", ["-metadata", "title=of many words"], r"\d+ of its \d+ bytes are missing"),
        ("s.ogg", ["-c:a", "libvorbis"], "its end is missing"),
        ("s.opus", ["-c:a", "libopus"], "its end is missing"),
        ("s.flac", [], "."),
    ],
)
def test_a_truncated_song_is_damaged(tmp_path: Path, name: str, arguments: list[str], message: str) -> None:
    whole = draw(tmp_path / name, "-i", f"file:{Drawing(120, seconds=4).save(tmp_path / 'p.wav')}", *arguments)
    assert not song_plan.analyse_cached(whole).damage
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    analysis = song_plan.analyse_cached(whole)
    assert re.search(message, analysis.damage) and 1.0 < analysis.seconds < 3.5
    assert decode.missing_end(tmp_path / "p.wav") == ""


def test_unknown_lengths_are_no_damage(tmp_path: Path) -> None:
    song = Drawing(120, seconds=2).save(tmp_path / "s.wav")
    piped = ffmpeg.run(["-i", f"file:{song}", "-f", "wav", "pipe:1"], doing="drawing")
    assert b"\xff\xff\xff\xff" in piped[:100]
    data = piped.index(b"data") + 4
    for name, size in (("piped.wav", b"\xff\xff\xff\xff"), ("empty.wav", bytes(4))):
        (tmp_path / name).write_bytes(piped[:data] + size + piped[data + 4 :])
        analysis = song_plan.analyse_cached(tmp_path / name)
        assert not analysis.damage and analysis.seconds == pytest.approx(2.0, abs=1e-3)


@pytest.mark.parametrize(
    "head", [b"RIFF\xff\0\0\0WAVEdata", b"FORM", b"OggS\0", b"ID3\4\0\0\x7f\x7f\x7f\x7f", b"\xff\xfb"]
)
def test_missing_end_survives_any_content(tmp_path: Path, head: bytes) -> None:
    for size in range(0, 60, 3):
        for rest in (b"\xff" * 300, bytes(300), b"", b"Xing" + b"\xff" * 300):
            (tmp_path / "s").write_bytes((head + rest)[: size + len(rest)])
            assert len(decode.missing_end(tmp_path / "s")) < 80


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("no.mp3", None, r"audio.path=.*no.mp3: there is no such file"),
        ("text.mp3", b"this is no song\n" * 50, r"text.mp3 holds no sound that can be read; ffmpeg said: "),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nother.wav\n", r"list.m3u8 holds no sound that can be read; ffmpeg said: "),
        ("list.mp3", b"ffconcat version 1.0\nfile 'other.wav'\n", r"list.mp3 holds no sound that can be read; ffmpeg"),
        ("empty.wav", b"", r"empty.wav holds no sound that can be read"),
    ],
)
def test_files_that_are_no_songs_are_refused(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    Drawing(120, seconds=1).save(tmp_path / "other.wav")
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        song_plan.analyse_cached(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_folders_and_mute_films_are_no_songs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="that is a folder"):
        song_plan.analyse_cached(tmp_path)
    mute = draw(tmp_path / "mute.mp4", "-f", "lavfi", "-i", "testsrc2=s=64x48:d=1")
    with pytest.raises(InputError, match=r"mute\.mp4 holds no sound"):
        song_plan.analyse_cached(mute)
    assert song_plan.analyse_cached(with_sound(tmp_path / "v.mp4")).seconds == pytest.approx(1.0, abs=0.03)


def test_analyses_are_cached_and_damage_is_noticed(
    tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    song = Drawing(120, seconds=5).save(tmp_path / "s.wav")
    caplog.set_level("INFO")
    first = song_plan.analyse_cached(song)
    assert "listening to s.wav" in caplog.text
    caplog.clear()
    (saved,) = cache.iterdir()
    again = song_plan.analyse_cached(song.rename(tmp_path / "other name.wav"))
    assert not caplog.text
    assert np.array_equal(first.levels, again.levels) and np.array_equal(first.beats, again.beats)
    assert (first.seconds, first.damage) == (again.seconds, again.damage)
    whole = saved.read_bytes()
    for broken in (b"", whole[: len(whole) // 2], _flipped(whole), b"\x80\x04."):
        saved.write_bytes(broken)
        assert analysis.load(saved) is None
        assert np.array_equal(song_plan.analyse_cached(tmp_path / "other name.wav").beats, first.beats)
    assert [path.name for path in cache.iterdir()] == [saved.name]


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(byte ^ 255 for byte in data[middle : middle + 8]) + data[middle + 8 :]


def test_an_unwritable_cache_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert song_plan.analyse_cached(Drawing(120, seconds=3).save(tmp_path / "s.wav")).seconds == pytest.approx(
        3.0, abs=1e-3
    )


@pytest.mark.slow
def test_ten_minutes_take_bounded_memory(tmp_path: Path) -> None:
    import resource

    tone = "aevalsrc='0.5*sin(2*PI*60*t)*exp(-20*mod(t,0.5))':s=8000:d=600"
    path = draw(tmp_path / "long.flac", "-f", "lavfi", "-i", tone)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    analysis = song_plan.analyse(path)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 100  # megabytes; its samples alone would be 53 in the analysis, 106 with one copy
    assert analysis.seconds == pytest.approx(600, abs=0.01)
    assert analysis.bpm == pytest.approx(120, rel=0.01)


def test_closing_the_blocks_ends_ffmpeg(tmp_path: Path) -> None:
    from pipeline.media.sound.decode import Decoder

    path = draw(tmp_path / "s.wav", "-f", "lavfi", "-i", "sine=d=60:r=44100")
    blocks = Decoder(path).blocks()
    next(blocks)
    blocks.close()  # type: ignore[attr-defined]
    assert ffmpeg.version()  # and another one can be started
