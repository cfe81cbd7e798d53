"""The song of a film: its beats, what the settings correct, and its sync with the frames."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.config import AudioConfig
from pipeline.errors import ConfigError
from pipeline.media import ffmpeg
from pipeline.media.sound.decode import RATE, Decoder
from pipeline.media.sound.song_audio import first_track
from pipeline.plan.song import Song, make_signals, plan_song
from pipeline.timing.beat_grid import Grid
from tests.media.drawing import draw, video
from tests.music.drawn import Drawing, recall_and_precision, save

FPS = Fraction(24)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def grid_of(config: AudioConfig) -> Grid:
    song = plan_song(config, FPS) if config.path else None
    return make_signals(config, song, FPS).grid


def test_the_beat_grid_comes_from_the_song(tmp_path: Path) -> None:
    drawing = Drawing(100, seconds=12, drift=0.03)
    grid = grid_of(AudioConfig(path=str(drawing.save(tmp_path / "s.wav"))))
    beats = [at for _, at in grid.between(0.0, 12.0)]
    recall, precision = recall_and_precision(beats, drawing.beats())
    assert recall == 1.0 and precision >= 0.9
    assert grid.time(0) == pytest.approx(drawing.offset, abs=0.015)  # the accent


@pytest.mark.parametrize("bpm", [60, 90, 97.5, 120, 174])
def test_a_given_tempo_is_exact_and_in_phase(tmp_path: Path, bpm: float) -> None:
    drawing = Drawing(bpm, seconds=12, hats=0.8)
    path = str(drawing.save(tmp_path / "s.wav"))
    grid = grid_of(AudioConfig(path=path, bpm=bpm))
    times = np.array([grid.time(number) for number in range(len(drawing.beats()))])
    assert np.diff(times) == pytest.approx(60 / bpm, abs=1e-9)
    assert times == pytest.approx(drawing.beats(), abs=0.025)
    exact = grid_of(AudioConfig(path=path, bpm=bpm, downbeat="0.3s"))
    assert [exact.time(n) for n in range(len(drawing.beats()))] == pytest.approx(drawing.beats(), abs=1e-9)


@pytest.mark.parametrize("bpm", [60, 72])
def test_a_given_tempo_can_halve_the_detected_one(tmp_path: Path, bpm: float) -> None:
    drawing = Drawing(bpm, seconds=20, click="deep", hats=0.4, alike=True)
    grid = grid_of(AudioConfig(path=str(drawing.save(tmp_path / "s.wav")), bpm=bpm))
    beats = [at for _, at in grid.between(0.0, 19.8)]
    assert beats == pytest.approx(drawing.beats(), abs=0.025)


def test_a_given_downbeat_moves_detected_beats(tmp_path: Path) -> None:
    drawing = Drawing(120, seconds=12, drift=0.03)
    path = str(drawing.save(tmp_path / "s.wav"))
    half = float(drawing.beats()[5] + drawing.beats()[4]) / 2
    grid = grid_of(AudioConfig(path=path, downbeat=half))
    assert grid.beat(half) == pytest.approx(round(grid.beat(half)), abs=1e-6)
    assert round(grid.beat(half)) % 4 == 0
    middles = (drawing.beats()[1:] + drawing.beats()[:-1]) / 2
    recall, _ = recall_and_precision([at for _, at in grid.between(0.0, 12.0)], middles)
    assert recall >= 0.95


def test_three_beats_per_bar(tmp_path: Path) -> None:
    grid = grid_of(AudioConfig(path=str(Drawing(120, seconds=12).save(tmp_path / "s.wav")), beats_per_bar=8))
    assert grid.beats_per_bar == 8
    assert round((grid.time(0) - 0.3) / 0.5) % 4 == 0


def test_a_film_may_start_within_the_song(tmp_path: Path) -> None:
    drawing = Drawing(120, seconds=12)
    config = AudioConfig(path=str(drawing.save(tmp_path / "s.wav")), start="4.3s")
    song = plan_song(config, FPS)
    assert song.seconds == pytest.approx(7.7, abs=1e-3)
    signals = make_signals(config, song, FPS)
    assert signals.grid.time(0) == pytest.approx(0.0, abs=0.015)  # beat 8 of the song
    assert signals.signal("bass", 0.0, 0.05)(0.02) > 0.5
    assert signals.signal("bass", 0.0, 0.05)(0.45) < 0.1
    with pytest.raises(ConfigError, match=r"audio.start=13s: the song lasts 12s"):
        plan_song(AudioConfig(path=config.path, start="13s"), FPS)


def test_without_a_song_the_tempo_is_120() -> None:
    assert grid_of(AudioConfig()).time(7) == pytest.approx(3.5)
    assert grid_of(AudioConfig(bpm=90, downbeat="0.25s")).time(3) == pytest.approx(2.25)


def test_a_song_without_a_beat_gets_a_note(tmp_path: Path) -> None:
    path = save(tmp_path / "s.wav", np.zeros(RATE * 3, np.float32))
    config = AudioConfig(path=str(path))
    song = plan_song(config, FPS)
    assert make_signals(config, song, FPS).grid.seconds == pytest.approx(0.5)
    (note,) = song.notes(config, 3.0, tmp_path / "f.mp4", "h264")
    assert "no beat" in note and "audio.bpm=" in note


def test_a_song_is_never_overwritten(tmp_path: Path) -> None:
    path = video(tmp_path / "v.mp4", "testsrc2=s=64x48:d=3", "-f", "lavfi", "-i", "sine=d=3", "-c:a", "aac")
    config = AudioConfig(path=str(path), bpm=120)
    song = plan_song(config, FPS)
    with pytest.raises(ConfigError, match=r"output=.*this is the song itself"):
        song.notes(config, 3.0, path, "h264")
    assert song.notes(config, 9.0, tmp_path / "f.mp4", "h264") == ["the song ends after 3s; silence follows"]


CLICKS = np.arange(0.5, 6.2, 0.5)


def clicks(path: Path) -> Path:
    """6.3 s of silence with a click every half second, in stereo."""
    sound = np.zeros(int(6.3 * 44100), np.float32)
    for at in CLICKS:
        first = round(at * 44100)
        sound[first - 100 : first + 100] = 0.8 * np.hanning(200)
    return save(path, sound, rate=44100, channels=2)


def decoded(path: Path) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.concatenate(list(Decoder(path).blocks()))


def laid(folder: Path, song: Path, name: str, *, frames: int, config: AudioConfig) -> Path:
    """A film with the song under so many frames."""
    pictures = video(folder / "p.mp4", f"testsrc2=s=64x48:r=24:d={frames / 24}")
    track = Song(song, plan_song(config, FPS).analysis, plan_song(config, FPS).start).sound(frames / FPS, config, FPS)
    muxer = {"mkv": "matroska"}.get(name[-3:], name[-3:])
    made = folder / name
    arguments = ["-i", f"file:{pictures}", *track.inputs(), "-map", "0", "-c", "copy", *track.outputs(muxer, 1)]
    ffmpeg.run([*arguments, "-f", muxer, "-y", f"file:{made}"], doing="laying")
    return made


@pytest.mark.parametrize("name", ["f.mp4", "f.mov", "f.mkv"])
@pytest.mark.parametrize(
    ("song", "arguments", "copied"),
    [
        ("c.wav", [], ("mov", "mkv")),
        ("c.mp3", ["-b:a", "192k"], ()),
        ("c.m4a", ["-c:a", "aac", "-b:a", "192k"], ("mp4", "mov", "mkv")),
        ("c.flac", [], ("mp4", "mkv")),
        ("c.ogg", ["-c:a", "libvorbis"], ()),
    ],
)
def test_the_song_is_in_sync_from_start_to_end(
    tmp_path: Path, song: str, arguments: list[str], copied: tuple[str, ...], name: str
) -> None:
    path = clicks(tmp_path / "c.wav")
    path = draw(tmp_path / song, "-i", f"file:{path}", *arguments) if song != "c.wav" else path
    film = laid(tmp_path, path, name, frames=151, config=AudioConfig(path=str(path)))
    sound = decoded(film)
    assert len(sound) / RATE == pytest.approx(151 / 24, abs=0.02)
    for at in CLICKS:
        middle = round(at * RATE)
        near = np.abs(sound[middle - 1500 : middle + 1500])
        assert abs(int(near.argmax()) - 1500) / RATE < 0.001
    report = ffmpeg.run(
        ["-i", f"file:{film}", "-map", "0:a", "-c", "copy", "-f", "framecrc", "pipe:1"], doing="listing"
    )
    codec = "aac" if name[2:] not in copied else first_track(path).codec
    assert f"#codec_id 0: {codec}" in report.decode().splitlines()


def test_song_is_trimmed_padded_and_faded(tmp_path: Path) -> None:
    path = str(clicks(tmp_path / "c.wav"))
    part = decoded(laid(tmp_path, Path(path), "part.mp4", frames=48, config=AudioConfig(path=path, start="1.25s")))
    assert len(part) / RATE == pytest.approx(2.0, abs=1e-3)
    assert int(np.abs(part[: RATE // 2]).argmax()) / RATE == pytest.approx(0.25, abs=0.001)
    longer = decoded(laid(tmp_path, Path(path), "long.mp4", frames=192, config=AudioConfig(path=path)))
    assert len(longer) / RATE == pytest.approx(8.0, abs=1e-3)
    assert np.abs(longer[int(6.4 * RATE) :]).max() < 0.001
    faded = decoded(laid(tmp_path, Path(path), "fade.mp4", frames=144, config=AudioConfig(path=path, fade_out="2s")))
    peaks = [np.abs(faded[round(at * RATE) - 200 : round(at * RATE) + 200]).max() for at in (3.5, 4.5, 5.0, 5.5)]
    assert peaks == pytest.approx([peaks[0], peaks[0] * 0.75, peaks[0] * 0.5, peaks[0] * 0.25], abs=0.03)
