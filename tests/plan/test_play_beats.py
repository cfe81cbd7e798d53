"""``play=true`` writes a video in which a click sounds on every beat, and a line moves over the chart."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.media.decode import probe
from pipeline.media.sound.decode import RATE, Decoder
from pipeline.plan.score_chart import LEFT, RIGHT, WIDTH
from tests.media.drawing import draw

SMALL = ("network=motifnet", "start.steps=0", "frame.width=96", "frame.height=64")


def score(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.score", *SMALL, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def test_clicks_sound_on_the_markers_beats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    draw(tmp_path / "s.m4a", "-f", "lavfi", "-i", "sine=f=110:d=6:r=44100", "-af", "volume=0.05")
    (tmp_path / "m.csv").write_text("".join(f"{1 + 0.7 * n},{n % 4 + 1}\n" for n in range(6)) + "3.3,drop\n")
    done = score(
        tmp_path,
        "audio.path=s.m4a",
        "audio.markers=m.csv",
        "audio.start=0.5s",
        "duration=4s",
        "output=s.png",
        "play=true",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["s.png", "s.clicks.mp4"]
    samples = np.concatenate(list(Decoder(tmp_path / "s.clicks.mp4").blocks()))
    assert len(samples) / RATE == pytest.approx(4, abs=0.05)
    loud = np.abs(samples)
    for n in range(5):
        at = int((0.5 + 0.7 * n) * RATE)
        assert loud[at : at + 600].max() > 0.3 > 0.2 > loud[at + 4000 : at + 6000].max()
    frames = list(probe.decode(tmp_path / "s.clicks.mp4"))
    white = [int(np.argmax((frame[4:44].min(axis=2) > 200).mean(axis=0))) for frame in (frames[25], frames[75])]
    assert np.diff(white) == pytest.approx((WIDTH - LEFT - RIGHT) / 2, abs=8)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["play=true"], "error: play=true: there is no song to listen to"),
        (["play=loud"], "error: play=loud: allowed are true and false"),
    ],
)
def test_play_needs_a_song(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = score(tmp_path, *arguments)
    assert done.returncode == 1 and done.stderr.startswith(words) and not list(tmp_path.iterdir())
