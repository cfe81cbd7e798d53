"""What is played is recorded, and rendered as it was played."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pipeline.cli.compose import make_config
from pipeline.live.__main__ import first_shot
from pipeline.media.decode.probe import decode
from pipeline.media.encode.pixel_format import to_bytes
from tests.forked import Program
from tests.live.stage import TINY, Script, play

GESTURES: dict[int, Sequence[dict[str, Any]]] = {
    1: [{"control": "camera.rotate", "value": 60, "seconds": 0.5}, {"control": "camera.pan.x", "value": 0.2}],
    2: [{"control": "dream.momentum", "value": 0.6}],
    3: [{"target": "class:owl + 0.5*class:cat", "seconds": 1.0}],
    4: [{"control": "dream.strength", "value": 1.5}, {"scene": "breathing", "seconds": 1.0}],
    5: [{"target": "class:leaf{left}", "seconds": 0.5}, {"do": "undo"}],
    6: [{"do": "freeze"}],
    7: [{"do": "freeze"}, {"do": "next"}],
}
EXACT = ("frame.width=96", "frame.height=64", "encode=ffv1", "overwrite=true")


def rendered(program: Program, folder: Path, *arguments: str) -> np.ndarray:
    run = program.run("from=session.yaml", "output=film.mkv", *EXACT, *arguments, folder=folder)
    assert run.code == 0, run.err
    return np.stack(list(decode(folder / "film.mkv")))


@pytest.mark.parametrize(
    "preset", ["preset=spiral", "preset=fractal_zoom", "preset=spiral camera.zoom=0.5+0.3*sin(4*t)"]
)
def test_film_of_a_session_has_the_frames_that_were_played(tmp_path: Path, program: Program, preset: str) -> None:
    script = play(tmp_path, GESTURES, *preset.split(), until="3s")
    assert not script.output
    played = [frame for frame, state in zip(script.frames, script.states, strict=True) if state["label"] != "growing"]
    film = rendered(program, tmp_path)
    assert len(film) == len(played) == 12  # a slow machine leaves frames out
    difference = [np.abs(to_bytes(a).astype(int) - b) for a, b in zip(played, film, strict=True)]
    assert max(each.max() for each in difference[:4]) <= 1
    assert difference[4].mean() < 0.2  # a blend of expressions begins, written as numbers
    assert max(each.mean() for each in difference) < 4  # each frame feeds on the last digits of those before
    first = (tmp_path / "film.mkv").read_bytes()
    rendered(program, tmp_path)
    assert (tmp_path / "film.mkv").read_bytes() == first


def test_new_noise_begins_a_shot(tmp_path: Path, program: Program) -> None:
    script = play(tmp_path, {4: [{"do": "noise"}], 6: [{"do": "next"}]}, "preset=spiral", until="2s")
    config = yaml.safe_load((tmp_path / "session.yaml").read_text())["config"]
    assert [shot["duration"] for shot in config["film"]] == ["1s", "1s"]
    played = [frame for frame, state in zip(script.frames, script.states, strict=True) if state["label"] != "growing"]
    film = rendered(program, tmp_path)
    assert len(film) == len(played) == 8
    assert max(float(np.abs(to_bytes(a).astype(int) - b).max()) for a, b in zip(played, film, strict=True)) <= 1


def test_next_frame_shows_a_gesture(tmp_path: Path) -> None:
    gestures = {4: [{"control": "dream.tone_mean", "value": 0.8}]}
    script = play(tmp_path, gestures, "dream.tone_mean=0.2", "dream.tone_rate=60", until="1.5s")
    levels = [float(frame.mean()) for frame in script.frames][-6:]
    assert levels[4] > levels[3] + 0.3, levels


def test_late_frames_at_the_end_begin_no_shot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Script, "commands", lambda self: time.sleep(0.6) or [])  # every frame is late
    play(tmp_path, {}, "preset=spiral", until="1s", fps=8.0)
    config = yaml.safe_load((tmp_path / "session.yaml").read_text())["config"]
    assert not config.get("film") and config["duration"] in ("0.75s", "0.875s", "1s")


def test_wrong_gesture_is_a_note(tmp_path: Path) -> None:
    script = play(tmp_path, {1: [{"target": "class:unicorn"}, {"target": "guide:/etc/passwd"}]}, until="1s")
    assert len(script.output) == 2 and "unicorn" in script.output[0] and "no file" in script.output[1]


def test_looks_and_presets_are_scenes(tmp_path: Path) -> None:
    """A look changes targets alone; looks for another network are left out."""
    network = ("network=efficientnet_lite0", "network.precision=float32", "preset=spiral", "score.targets=[block8:3]")
    gestures = {1: [{"scene": "look: reef", "seconds": 0.2}], 3: [{"scene": "breathing", "seconds": 0.2}]}
    script = play(tmp_path, gestures, *network, until="1.5s")
    assert not script.output and script.states[-1]["values"]["camera.zoom"] != script.states[5]["values"]["camera.zoom"]
    assert script.states[5]["values"]["camera.rotate"] == script.states[0]["values"]["camera.rotate"]
    targets = yaml.safe_load((tmp_path / "session.yaml").read_text())["config"]["score"]["targets"][0]
    assert any(name != "block8:3" for name in targets)
    script = play(tmp_path / "other", {1: [{"scene": "look: reef"}]}, until="1s")
    assert len(script.output) == 1 and "look: reef" in script.output[0]


def test_a_film_of_several_shots_plays_its_first() -> None:
    film = "film=[{preset: spiral, duration: 4s, camera.zoom: 1.7}, {preset: breathing, duration: 4s}]"
    config = first_shot(make_config([*TINY, film]))
    assert not config.film and config.camera.zoom == 1.7 and config.frame.width == 96
    assert first_shot(config) is config
