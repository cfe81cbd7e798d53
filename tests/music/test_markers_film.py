"""Films cut and keyed to the named markers of a file."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pipeline.cli.compose import make_config
from pipeline.errors import ConfigError
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.planner import plan_film
from pipeline.plan.score import plan_score
from pipeline.plan.score_data import film_score
from pipeline.timing.markers import READERS
from tests.music.drawn import Drawing
from tests.music.test_film import render
from tests.timing.test_markers import draw

SHORT = ("network=motifnet", "start.steps=0", "frame.fps=25", "frame.width=64", "frame.height=48")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def plan(folder: Path, *arguments: str) -> FilmPlan:
    return plan_film(make_config([*SHORT, *arguments]), folder, "film")


@pytest.mark.parametrize("suffix", READERS)
def test_shots_end_at_cues_of_every_format(tmp_path: Path, suffix: str) -> None:
    song = Drawing(120, seconds=6).save(tmp_path / "s 1.wav")
    markers = draw(tmp_path / f"m{suffix}")
    shots = "film=[{until: verse 1}, {until: drop}, {}]"
    film = plan(tmp_path, f"audio.path='{song}'", f"audio.markers='{markers}'", shots)
    assert [shot.frames for shot in film.shots] == [50, 50, 50]


def test_cues_are_times_everywhere(tmp_path: Path) -> None:
    song = Drawing(120, seconds=6).save(tmp_path / "s.wav")
    given = (f"audio.path={song}", f"audio.markers={draw(tmp_path / 'm.txt')}")
    keys = "score.keys=[{at: 0s, see: class:owl}, {at: drop, see: class:lion, fade: 0s}]"
    film = plan(tmp_path, *given, "score=keys", keys, "camera.zoom='0s: 1, verse 1: 2, drop: 3'", "duration=drop")
    assert film.frames == 100
    film = plan(tmp_path, *given, "score=keys", keys, "camera.zoom='0s: 1, verse 1: 2, drop: 3'", "audio.start=1s")
    sheet = film_score(film)
    assert sheet.lanes["camera.zoom"][25] == pytest.approx(2) and sheet.lanes["camera.zoom"][75] == pytest.approx(3)
    assert "class:lion" not in sheet.targets[74] and sheet.targets[75] == {"class:lion": 1.0}
    assert plan(tmp_path, *given, "audio.start=drop").frames == 50
    with pytest.raises(ConfigError, match=r"duration=dorp: .*did you mean drop"):
        plan(tmp_path, *given, "duration=dorp")


def test_markers_win_over_detected_beats_and_sections(tmp_path: Path) -> None:
    song = Drawing(97, seconds=6).save(tmp_path / "s.wav")
    film = plan(tmp_path, f"audio.path={song}", f"audio.markers={draw(tmp_path / 'm.csv')}", "film=auto",
                "presets=[{preset: spiral}, {preset: ascent}]")  # fmt: skip
    assert film.signals.grid.seconds == pytest.approx(0.5)
    assert [shot.frames for shot in film.shots] == [50, 50, 50]


def test_markers_need_no_song(tmp_path: Path) -> None:
    film = plan(tmp_path, f"audio.markers={draw(tmp_path / 'm.mid')}", "duration=drop", "camera.zoom='1 + beat'")
    assert film.frames == 100
    plan_score(film.shots[0])
    assert film.signals.grid.time(4) == pytest.approx(2.0)


def test_cues_after_the_song_get_a_note(tmp_path: Path) -> None:
    song = Drawing(120, seconds=6).save(tmp_path / "s.wav")
    (tmp_path / "m.csv").write_text("1,intro\n100,drop\n", encoding="utf-8")
    notes = plan(tmp_path, f"audio.path={song}", f"audio.markers={tmp_path / 'm.csv'}").notes
    assert [note for note in notes if note.startswith("the song lasts 6s; later in ") and note.endswith(": drop")]


def test_a_rendered_film_is_cut_at_its_cue(tmp_path: Path) -> None:
    Drawing(120, seconds=2).save(tmp_path / "s.wav")
    (tmp_path / "m.txt").write_text("0.8\t0.8\tdrop\n", encoding="utf-8")
    film = "film=[{until: drop, seed: 1}, {seed: 2}]"
    frames = render(tmp_path, *SHORT, "audio.path=s.wav", "audio.markers=m.txt", film)
    changes = [float(np.abs(after - before).mean()) for before, after in pairwise(frames)]
    assert len(frames) == 50 and int(np.argmax(changes)) == 19
