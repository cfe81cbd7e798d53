"""Trackers of other packages are called as they are meant to be; the built-in one holds on recordings."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.errors import ConfigError, InputError
from pipeline.plan import song as song_plan
from scripts.compare_trackers import levels, recorded_beats
from tests.music.drawn import Drawing, f_measure


@pytest.mark.parametrize(
    ("name", "least"),
    [
        *(("lets-go-fishin", 0.98), ("vibe-ace", 0.98), ("sugar-plum-fairy", 0.9), ("hungarian-dance-5", 0.7)),
        ("trumpet-90bpm", 0.75),
    ],
)
def test_recorded_beats_are_detected(shared: Path, name: str, least: float) -> None:
    (path,) = (shared / "songs").glob(f"{name}.*")
    beats = song_plan.analyse(path).beats
    assert max(f_measure(beats, level) for level in levels(recorded_beats()[name])) >= least


def test_librosa_detects_beats(tmp_path: Path) -> None:
    pytest.importorskip("librosa")
    drawing = Drawing(120, hats=0.0)
    beats = song_plan.analyse(drawing.save(tmp_path / "s.wav"), "librosa").beats
    assert f_measure(beats, [drawing.beats()]) > 0.9


@pytest.mark.filterwarnings("ignore")  # of torch, in the package
def test_beat_this_runs_with_weights_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = pytest.importorskip("beat_this.model.beat_tracker")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    song = Drawing(120, seconds=6).save(tmp_path / "s.wav")
    with pytest.raises(InputError, match=r"beat_this-final0\.ckpt .* into .*checkpoints"):
        song_plan.analyse_cached(song, tracker="beat_this")
    with torch.random.fork_rng():
        size = {"transformer_dim": 32, "n_layers": 1, "head_dim": 16, "stem_dim": 16}
        weights = {f"model.{name}": value for name, value in tracker.BeatThis(**size).state_dict().items()}
        (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
        torch.save(
            {"hyper_parameters": size, "state_dict": weights}, tmp_path / "hub/checkpoints/beat_this-final0.ckpt"
        )
        beats = song_plan.analyse(song, "beat_this").beats
    assert np.isfinite(beats).all() and (np.diff(beats) > 0).all()  # random weights: the path runs, no more


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"audio\.tracker=librosa.*dream-zoom\[librosa\]"):
        song_plan.analyse_cached(Drawing(120, seconds=1).save(tmp_path / "s.wav"), tracker="librosa")
