"""MIDI: knobs learn gestures, play them, and keep them in a file; a real port where the system has MIDI."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import mido
import pytest
import yaml

from pipeline.errors import ConfigError, InputError
from pipeline.live.controls import controls
from pipeline.live.midi import MidiInput, MidiMap
from pipeline.live.viewers import Viewers
from tests.browser import browser, wait
from tests.live.stage import program


def knob(number: int, value: int) -> mido.Message:
    return mido.Message("control_change", channel=0, control=number, value=value)


def key(velocity: int) -> mido.Message:
    return mido.Message("note_on", channel=9, note=36, velocity=velocity)


def test_knobs_play_what_they_learned_and_remember_it(tmp_path: Path) -> None:
    path = tmp_path / "settings" / "midi.yaml"
    learned = MidiMap(path, controls())
    assert learned.gesture(knob(21, 10)) is None
    learned.learn({"control": "dream.strength"})
    assert learned.gesture(knob(21, 64)) is None and learned.state()["learning"] is None
    learned.learn({"do": "next"})
    learned.gesture(key(0))  # an earlier key that is let go
    learned.gesture(key(90))
    again = MidiMap(path, controls())
    assert again.state()["map"] == {"cc 1/21": {"control": "dream.strength"}, "note 10/36": {"do": "next"}}
    low, high = controls()["dream.strength"].usual
    assert again.gesture(knob(21, 127)) == {"control": "dream.strength", "value": high}
    assert again.gesture(knob(21, 0)) == {"control": "dream.strength", "value": low}
    assert (again.gesture(key(80)), again.gesture(key(0))) == ({"do": "next"}, None)
    assert again.gesture(mido.Message("program_change", program=3)) is None
    again.learn({"target": "class:owl"})
    again.gesture(knob(5, 1))
    presses = [again.gesture(knob(5, value)) for value in (20, 70, 100, 10, 127)]
    assert presses == [None, {"target": "class:owl"}, None, None, {"target": "class:owl"}]
    again.forget({"do": "next"})
    assert "note 10/36" not in yaml.safe_load(path.read_text())


@pytest.mark.parametrize("content", ["cc 1/21: [1]", "cc 1/21: {run: rm}", "- 1", "a: {target: 7}", "{"])
def test_other_maps_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "midi.yaml").write_text(content)
    with pytest.raises(InputError, match=r"live\.midi_map="):
        MidiMap(tmp_path / "midi.yaml", controls())


@pytest.mark.parametrize(
    "gesture", ["next", {"do": ""}, {"do": "next", "on": "1"}, {"undo": "x"}, {"target": "x" * 999}]
)
def test_knob_learns_gestures_alone(tmp_path: Path, gesture: object) -> None:
    with pytest.raises(ConfigError):
        MidiMap(tmp_path / "midi.yaml", {}).learn(gesture)


def test_real_port_plays(tmp_path: Path) -> None:
    known, viewers = MidiMap(tmp_path / "midi.yaml", controls()), Viewers()
    known.learn({"control": "camera.zoom"})
    known.gesture(knob(1, 1))
    try:
        port = MidiInput("virtual", known, viewers)
    except ConfigError as error:
        pytest.skip(f"this system has no MIDI: {error}")
    with port, mido.open_output(next(name for name in mido.get_output_names() if "dream-zoom" in name)) as output:
        output.send(knob(1, 127))
        time.sleep(0.3)
    assert viewers.commands() == [{"control": "camera.zoom", "value": controls()["camera.zoom"].usual[1]}]


@pytest.fixture
def pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[mido.Message], None]]:
    """A device at a named pipe, which works on every system."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    monkeypatch.setenv("MIDI_PIPE", str(path))
    monkeypatch.setenv("MIDO_BACKEND", "tests.live.midi_pipe")
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    )

    def play(message: mido.Message) -> None:
        with path.open("wb", buffering=0) as opened:
            opened.write(bytes(message.bytes()))

    yield play


@pytest.mark.slow
def test_page_teaches_a_knob(tmp_path: Path, pipe: Callable[[mido.Message], None]) -> None:
    arguments = ("live.midi=pipe", "live.midi_map=midi.yaml", "live.fps=8")
    value = "return Number(document.getElementById('slider dream.strength').value)"
    with program(tmp_path, *arguments) as running, browser(tmp_path / "browser") as opened:
        opened.get(running.address)
        wait(opened, lambda b: b.find_element("id", "learn").is_displayed())
        opened.find_element("id", "learn").click()
        opened.find_element("css selector", "[id='row dream.strength'] label").click()
        wait(opened, lambda b: "dream.strength" in b.find_element("id", "learning").text)
        pipe(knob(7, 3))
        wait(opened, lambda b: b.find_element("css selector", "[id='row dream.strength'][data-midi='cc 1/7']"))
        pipe(knob(7, 127))
        high = controls()["dream.strength"].usual[1]
        wait(opened, lambda b: abs(b.execute_script(value) - high) < 0.05)
    assert yaml.safe_load((tmp_path / "midi.yaml").read_text()) == {"cc 1/7": {"control": "dream.strength"}}
