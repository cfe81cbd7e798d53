"""An animatic lasts as long as its film, shows its words and plays its sound."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.cli.compose import make_config
from pipeline.media.decode.probe import decode
from pipeline.media.sound.tracks import footage_tracks
from pipeline.storyboard.__main__ import draw as program
from tests.counted import probe_and_count
from tests.media.drawing import draw

SMALL = ("frame.width=192", "frame.height=108", "frame.fps=24", "dream.octaves=1", "start.steps=2", "network=motifnet")
FILM = (
    "film=[{duration: 50%, score.targets: [class:flower]},"
    "{duration: 50%, transition: crossfade, fade: 6f, score.targets: [class:coral]}]"
)


def test_animatic_shows_the_film_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    draw(tmp_path / "song.wav", "-f", "lavfi", "-i", "sine=f=330:d=3")
    words = (*SMALL, FILM, "audio=file", "audio.path=song.wav", "duration=1.75s", "output=film.mp4")
    monkeypatch.chdir(tmp_path)
    program(["video=true"], make_config([*words, "film.reverse=true"]), tmp_path, "film")
    backwards = np.stack(list(decode(tmp_path / "film.mp4.storyboard.mp4"))).astype(float)[:, :270]
    capsys.readouterr()
    program(["video=true"], make_config([*words, "overwrite=true"]), tmp_path, "film")
    path = tmp_path / "film.mp4.storyboard.mp4"
    assert capsys.readouterr().out == "film.mp4.storyboard.mp4\n" and not (tmp_path / "film.mp4").exists()
    facts = probe_and_count(path)
    assert (facts.width, facts.height, facts.fps, facts.frames) == (480, 270 + 44, 12, 21)
    frames = np.stack(list(decode(path))).astype(float)
    assert len(footage_tracks(path)) == 1
    far = np.abs(backwards[:, None, ::4, ::4] - frames[None, :, :270:4, ::4]).mean((2, 3, 4))
    assert np.abs(far.argmin(1) + np.arange(21) - 20).max() <= 3 and far.min(1).max() < 5  # the same sketches in turn
    strip = frames[:, 274:]
    assert strip[:, :, :160].max() > 180  # words on a dark strip
    changed = np.abs(np.diff(frames[:, :270], axis=0)).mean((1, 2, 3)) > 1.0
    assert 5 <= changed.sum() <= 9  # four sketches a second
    assert np.abs(strip[3] - strip[-3])[:, :240].max() > 100  # another timecode and another target
