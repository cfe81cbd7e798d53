"""Films that move with a song, measured on the finished video."""

import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pipeline.config import CameraRates
from pipeline.image import from_array
from pipeline.media.decode import probe
from pipeline.motion import camera
from pipeline.music.features import PER_SECOND
from pipeline.plan import song as song_plan
from tests.media.drawing import draw
from tests.music.drawn import Drawing

QUICK = ("start.steps=2", "dream.octaves=1", "dream.fill=0", "device=cpu")


def render(folder: Path, *arguments: str) -> list[np.ndarray]:
    """The decoded frames of the film, as float32 in [0, 1]."""
    command = [sys.executable, "-m", "pipeline.render", *QUICK, *arguments, "output=film.mp4"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return [frame.astype(np.float32) / 255 for frame in probe.decode(folder / "film.mp4")]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_targets_change_on_the_beat_until_the_song_ends(tmp_path: Path) -> None:
    drawing = Drawing(100, seconds=5.03, offset=0.3)
    song = draw(tmp_path / "s.mp3", "-i", f"file:{drawing.save(tmp_path / 's.wav')}")
    targets = 'score.targets=["class:owl{left}","class:owl{right}"]'
    look = (
        "camera=static",
        "dream.tone=free",
        "score=beats",
        "score.every=2b",
        "score.fade=0b",
        "dream.momentum=0",
        "dream.coarse_momentum=0",
        targets,
    )
    size = ("frame.width=64", "frame.height=64", "frame.fps=24")
    frames = render(tmp_path, f"audio.path={song.name}", *look, *size)
    assert len(frames) == round(5.03 * 24)
    report = song_plan.analyse(tmp_path / "film.mp4")
    assert report.seconds == pytest.approx(len(frames) / 24, abs=1e-3)
    moved = [np.abs(after - before) for before, after in pairwise(frames)]
    right = [bool(change[:, 40:].mean() > change[:, :24].mean()) for change in moved]
    changes = [n + 1 for n in range(1, len(right)) if right[n] != right[n - 1]]
    assert len(changes) == len(drawing.beats()[2::2])
    for frame, beat in zip(changes, drawing.beats()[2::2], strict=True):
        assert abs(frame - beat * 24) <= 1.0


def test_the_zoom_follows_the_bass(tmp_path: Path) -> None:
    song = Drawing(110, seconds=2.5, hats=0.3).save(tmp_path / "s.wav")
    rng = np.random.default_rng(3)
    small = Image.fromarray(rng.integers(30, 220, (24, 32, 3), dtype=np.uint8))
    small.resize((128, 96), Image.Resampling.BICUBIC).save(tmp_path / "p.png")
    still = ("start=image", "start.path=p.png", "dream.strength=0.02", "dream.tone=free", "camera.rotate=0")
    size = ("frame.width=128", "frame.height=96", "encode.quality=best")
    zoom = "camera.zoom='1.05 + 0.9*bass(0.02, 0.2)'"
    frames = render(tmp_path, "+preset=music_video", zoom, f"audio.path={song.name}", *still, *size)
    zoom = [_zoom(before, after) for before, after in pairwise(frames)]
    bass = song_plan.analyse(song).levels[0]
    times = (np.arange(len(zoom)) + 0.5) / 24
    followed, value = [], 0.0  # as the expression follows it
    for level in bass:
        saved = math.exp(-1 / (PER_SECOND * (0.02 if level > value else 0.2)))
        value = float(level) + (value - float(level)) * saved
        followed.append(value)
    envelope = np.interp(times, np.arange(len(followed)) / PER_SECOND, followed)
    assert np.corrcoef(zoom, envelope)[0, 1] > 0.9


@pytest.mark.parametrize("preset", ["music_fractal", "music_video"])
def test_presets_pulse_on_the_beat(tmp_path: Path, preset: str) -> None:
    drawing = Drawing(90, seconds=4, offset=0.0)
    drawing.save(tmp_path / "s.wav")
    size = ("network=motifnet", "frame.width=96", "frame.height=64", "audio.bpm=90", "audio.downbeat=0s")
    frames = render(tmp_path, f"+preset={preset}", "audio.path=s.wav", *size)
    change = np.array([np.abs(after - before).mean() for before, after in pairwise(frames)])
    phase = ((np.arange(len(change)) + 0.5) / 24 % (60 / 90))[24:]
    on, off = change[24:][phase < 0.15], change[24:][(phase > 0.25) & (phase < 0.45)]
    assert on.mean() > 1.5 * off.mean()


def _zoom(before: np.ndarray, after: np.ndarray) -> float:
    """The factor per second by which the picture grew, that explains the second frame best."""
    first, second = from_array(before), from_array(after)
    rates = np.linspace(0.9, 2.6, 25)

    def miss(rate: float) -> float:
        moved = camera.move(first, CameraRates(zoom=rate), 1 / 24)
        return float((moved - second)[..., 8:-8, 8:-8].abs().mean())

    with torch.inference_mode():
        return float(rates[int(np.argmin([miss(rate) for rate in rates]))])
