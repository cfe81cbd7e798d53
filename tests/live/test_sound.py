"""Songs and sound inputs: a live score follows them, and the film of the session has the same numbers."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import yaml

from pipeline.errors import ConfigError, InputError, RenderError
from pipeline.live import live_signals
from pipeline.live.listener import Listener, sound_input
from pipeline.live.live_signals import Recording
from pipeline.media.decode.probe import decode
from pipeline.media.encode.pixel_format import to_bytes
from pipeline.music.features import RATE
from pipeline.timing.recorded_signals import COLUMNS, read_signals
from pipeline.timing.signals import LEVELS
from tests.forked import Program
from tests.live.stage import Script, play
from tests.music.drawn import save

BPM = 132.0
Samples = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def drums(seconds: float) -> Samples:
    """A kick on each beat, hats between them, and a little noise."""
    rng = np.random.default_rng(1)
    sound = rng.normal(0, 0.003, int(seconds * RATE))
    for beat in np.arange(0, seconds - 0.3, 60 / BPM):
        start, t = int(beat * RATE), np.arange(int(0.15 * RATE)) / RATE
        sound[start : start + len(t)] += 0.8 * np.exp(-t / 0.04) * np.sin(2 * np.pi * 60 * t)
        start += int(30 / BPM * RATE)
        sound[start : start + 400] += 0.2 * rng.normal(size=400) * np.exp(-np.arange(400) / 90)
    return sound.astype(np.float32)


@contextmanager
def playing(written: str, listener: Listener, seconds: float = 60.0) -> Iterator[None]:
    """A sound input that plays the drums, the first five seconds at once."""
    sound, began = drums(seconds), time.monotonic()
    listener.add(sound[: 5 * RATE])
    listener.wait(4.9)
    over = False

    def feed() -> None:
        sent = 5 * RATE
        while not over and sent < len(sound):
            end = int((5 + time.monotonic() - began) * RATE)
            listener.add(sound[sent:end])
            sent = end
            time.sleep(0.01)

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over = True
        thread.join(30)


def test_listener_knows_levels_and_the_next_beat() -> None:
    with Listener() as listener, playing("input", listener):
        end = time.monotonic() + 5
        while (beat := listener.next_beat(0.0)) is None and time.monotonic() < end:
            time.sleep(0.02)
        assert beat is not None and 60 / beat[1] == pytest.approx(BPM, rel=0.01)
        levels = listener.take()
        bass, treble = levels[:, 0], levels[:, 2]
        assert levels.shape[1] == 4 and 0 <= levels.min() and levels.max() == 1
        assert bass.max() > 0.9 and abs(float(np.corrcoef(bass, treble)[0, 1])) < 0.5  # kick and hat alternate


def test_silence_is_silent() -> None:
    with Listener() as listener:
        listener.add(np.zeros(4 * RATE, np.float32))
        listener.wait(3.9)
        assert not listener.take().any() and listener.next_beat(0.0) is None


def test_recording_is_what_the_score_followed(tmp_path: Path) -> None:
    """Values while playing and those of a film that reads the file are equal, also those just before a beat."""
    fps, path, during = 12.0, tmp_path / "a.signals.csv", []
    names = [*((name, 0.01, 0.25) for name in LEVELS), ("beat", 0.05, 0.2), ("beats", None, None)]
    with Listener() as listener, playing("input", listener), Recording(path, fps, listener, 120, 4) as recording:
        for frame in range(60):
            time.sleep(0.02)
            recording.hear(frame)
            signals = recording.signals(0.01, 0.25, 0.0, 0.04)
            during.append([signals.signal(*each)(frame / fps) for each in names])
        recording.hear(90)  # some frames were left out
        expected = recording.signals(0.01, 0.25, 0.0, 0.04).grid.times
    film = read_signals(str(path)).as_signals(0.01, 0.25, 120, 4)
    after = [[film.signal(*each)(frame / fps) for each in names] for frame in range(60)]
    np.testing.assert_allclose(during, after, rtol=0, atol=1e-12)
    assert np.ptp(np.array(during)[:, :5], axis=0).min() > 0.3
    np.testing.assert_allclose(film.grid.times, expected)  # also the one that the last frames may lead to


def test_film_of_a_session_with_sound_input(tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_signals, "sound_input", playing)  # no machine of tests has a microphone
    zoom = "camera.zoom=1 + 2*bass(0, 0.2) + beat"
    gestures = {3: [{"control": "dream.strength", "value": "0.3 + loud"}], 8: [{"do": "noise"}]}
    script = play(tmp_path, gestures, zoom, until="4s", audio="input")
    assert not script.output
    assert np.ptp([state["values"]["camera.zoom"] for state in script.states]) > 0.5
    compare(tmp_path, program, script)


def test_film_of_a_session_with_a_song(tmp_path: Path, program: Program) -> None:
    song = save(tmp_path / "song.wav", drums(6.0), rate=RATE)
    zoom = "camera.zoom=1 + 2*bass(0, 0.2) + beat"
    script = play(tmp_path, {8: [{"do": "noise"}]}, zoom, f"audio.path={song}", until="4s")
    assert not script.output and script.states[-1]["song"] == pytest.approx(3.75)
    compare(tmp_path, program, script, f"audio.path={song}")


def compare(folder: Path, program: Program, script: Script, *arguments: str) -> None:
    """The frames of the session's film are those that were played: two shots of two seconds."""
    exact = ("frame.width=96", "frame.height=64", "encode=ffv1")
    run = program.run("from=session.yaml", "output=film.mkv", *exact, *arguments, folder=folder)
    assert run.code == 0, run.err
    assert [shot["duration"] for shot in config(folder)["film"]] == ["2s", "2s"]
    film = list(decode(folder / "film.mkv"))
    played = [frame for frame, state in zip(script.frames, script.states, strict=True) if state["label"] != "growing"]
    assert len(film) == len(played) == 16
    assert max(float(np.abs(to_bytes(a).astype(int) - b).max()) for a, b in zip(played, film, strict=True)) <= 1


def config(folder: Path) -> dict[str, object]:
    loaded = yaml.safe_load((folder / "session.yaml").read_text())["config"]
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize(
    "content",
    [
        "",
        "bass\n1\n",
        "# 0 rows per second\n",
        "# 48 rows per second\nbass,mid\n1,1\n",
        "nan,0,0,0,0",
        "0,0,0,0",
        "2,0,0,0,0",
    ],
)
def test_other_files_are_no_signals(tmp_path: Path, content: str) -> None:
    head = "" if content.startswith(("#", "b")) or not content else f"# 48 rows per second\n{','.join(COLUMNS)}\n"
    (tmp_path / "signals.csv").write_text(head + content)
    with pytest.raises(InputError, match=r"audio\.signals="):
        read_signals(str(tmp_path / "signals.csv"))


@pytest.mark.parametrize("written", ["input:no such device", "mic", "song.mp3"])
def test_machine_without_this_sound_says_so(written: str) -> None:
    try:
        with Listener() as listener, sound_input(written, listener):
            pytest.fail("it was opened")
    except (ConfigError, RenderError) as error:
        assert "live.audio" in str(error)
