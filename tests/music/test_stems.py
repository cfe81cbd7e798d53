"""Stems are signals of a song, by name, in every expression."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.cli.compose import make_config
from pipeline.errors import ConfigError, InputError
from pipeline.plan.planner import plan_film
from pipeline.plan.score_data import ScoreFrames, film_score
from tests.music.drawn import Drawing, save

SECONDS = 6.0


@pytest.fixture
def song(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """s.wav, its drums d.wav (twice a second) and its voice v.wav (silent in the first half), in the current folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    drums = Drawing(120, seconds=SECONDS, hats=0.0).samples()
    t = np.arange(len(drums)) / 22050
    voice = (0.3 * np.sin(2 * np.pi * 440 * t) * (t >= SECONDS / 2)).astype(np.float32)
    for name, samples in (("s", drums + voice), ("d", drums), ("v", voice), ("short", drums[: len(drums) // 2])):
        save(tmp_path / f"{name}.wav", 0.8 * samples)
    return tmp_path / "s.wav"


def score(*arguments: str) -> ScoreFrames:
    given = ("network=motifnet", "start.steps=0", "audio.path=s.wav", *arguments)
    return film_score(plan_film(make_config(list(given)), Path(), "film"))


def test_stems_drive_three_numbers(song: Path) -> None:
    stems = "audio.stems={drums: d.wav, bass: d.wav, voice: v.wav}"
    moves = ("camera.zoom='1 + drums(0, 0.1)'", "camera.rotate='10*voice'", "dream.strength='0.3 + 0.2*onset_drums'")
    sheet = score(stems, *moves)
    zoom, rotate, strength = (np.array(sheet.lanes[key]) for key in ("camera.zoom", "camera.rotate", "dream.strength"))
    half = len(zoom) // 2
    assert rotate[: half - 2].max() < 0.5 < 8 < rotate[half + 12 :].min()
    on = np.ceil(Drawing(120, seconds=SECONDS).beats()[:-1] * sheet.fps).astype(int)
    for curve in (zoom - 1, strength - 0.3):
        assert curve[on + 1].mean() > 2 * curve[on + 8].mean() > 0
    assert score(stems, "camera.zoom='1 + 0.1*bass'").lanes != score("camera.zoom='1 + 0.1*bass'").lanes


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("audio.stems={drums: short.wav}", r"audio\.stems\.drums=.*it lasts 3s, the song 6s"),
        ("audio.stems={drums: no.wav}", r"audio\.stems\.drums=.*there is no such file"),
        ("audio.stems={beat: d.wav}", "no other name of an expression"),
        ("audio.stems={Drums: d.wav}", "lower-case letters"),
        ("audio.stems=[d.wav]", "write names and files"),
        ("audio.stems={drums: 3}", "write names and files"),
    ],
)
def test_impossible_stems_are_refused(song: Path, given: str, words: str) -> None:
    with pytest.raises((ConfigError, InputError), match=words):
        score(given)


def test_unknown_signals_name_the_stems(song: Path) -> None:
    with pytest.raises(ConfigError, match=r"did you mean drums"):
        score("audio.stems={drums: d.wav}", "camera.zoom='1 + drum'")
