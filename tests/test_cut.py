"""When the shots of a film begin: on the song's sections and bars to half a frame, and nothing is rendered for it."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.plan import Plan
from tests.music.drawn import RATE, Drawing, save
from tests.test_shot import planned

FPS = 24
TINY = ("frame.width=96", "frame.height=64", f"frame.fps={FPS}", "dream.octaves=1")
HALF = 0.5 / FPS + 1e-9


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 s at 120 beats a minute, whose first bar begins at 0.3 s and whose sections at 20.3, 40.3 and 60.3 s."""
    drawing = Drawing(120, seconds=80.0)
    t = np.arange(len(drawing.samples())) / RATE - drawing.offset
    chorus = ((t > 20) & (t < 40)) | (t > 60)
    chords = 0.2 * (np.sin(2 * np.pi * 440 * t) + np.sin(2 * np.pi * 660 * t)) * chorus
    folder = tmp_path_factory.mktemp("song")
    return save(folder / "song.wav", (drawing.samples() + chords).astype(np.float32))


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "heard"))


def cuts(plan: Plan) -> list[float]:
    """The seconds of the film at which its shots are alone, and that at which it ends."""
    ends = np.cumsum([shot.frames - shot.link.unshown for shot in plan.shots])
    return [0.0, *(float(end / plan.fps) for end in ends)]


def test_auto_cuts_on_sections_whatever_a_preset_lasts(tmp_path: Path, song: Path) -> None:
    presets = "presets=[spiral,breathing,bestiary]"  # two of which last 12 s and 16 s by themselves
    assert cuts(planned(tmp_path, *TINY, "film=auto", presets, "audio.bpm=120")) == [0, 16, 32, 48, 64]
    plan = planned(tmp_path, *TINY, "film=auto", "presets=[breathing,spiral]", f"audio.path={song}")
    assert cuts(plan) == pytest.approx([0, 20.3, 40.3, 60.3, 80], abs=1.0)
    assert plan.song is not None
    assert cuts(plan)[:-1] == pytest.approx(plan.song.hearing.sections, abs=HALF)
    assert not [note for note in plan.notes if "the last shot" in note]


def test_auto_keeps_a_length_that_the_user_gives(tmp_path: Path) -> None:
    presets = "presets=[spiral,{preset: breathing, duration: 6s}]"
    plan = planned(tmp_path, *TINY, "film=auto", presets, "audio.bpm=120")
    assert cuts(plan) == [0, 16, 22, 38, 64]
