"""Gestures: sliders, targets, freezing, undo, tempo, and what is refused."""

from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.live.autoplay import Autoplay, autoplay
from pipeline.live.controls import controls
from pipeline.live.instrument import GLIDE_SECONDS, Instrument
from pipeline.live.track import Source, constant
from pipeline.score.hold import BeatHold
from pipeline.score.schedule import Turns
from pipeline.targets.target import Target, parse_target
from pipeline.timing.beat_grid import Grid

NAMES = ("owl", "cat", "fish")
OWL, CAT, FISH = (parse_target(f"class:{name}", "target") for name in NAMES)


def check(target: Target) -> None:
    if target.name not in NAMES:
        raise ConfigError("target", target, "no such class")


def deck(*targets: Target, hold: float = 2.0) -> Autoplay:
    return Autoplay(lambda number: {targets[number % len(targets)]: 1.0}, hold, 0.5)


def instrument(**more: Any) -> Instrument:
    start = dict.fromkeys(controls(), constant(0.5)) | {"camera.zoom": Source(lambda t: 1 + t, "(1 + t)")}
    return Instrument(controls(), start, deck(OWL, CAT), check, scenes={}, **more)


def weights(played: Instrument, t: float) -> dict[Target, float]:
    return {target: track(t) for target, track in played.weights.items() if track(t)}


def test_every_curve_of_the_settings_has_a_control() -> None:
    known = controls()
    assert {"camera.zoom", "camera.pan.x", "camera.center.y", "dream.strength", "dream.tone_mean"} <= set(known)
    assert not [key for key in known if key.startswith(("flow", "playback", "imagine"))]
    momenta = {"dream.momentum", "dream.coarse_momentum"}
    assert set(known) - set(controls(has_footage=True)) == momenta, "steps do not follow footage"
    assert set(known) - set(controls(has_palette=False)) == {"color.palette_strength"}
    assert all(each.low is None or each.low <= each.usual[0] < each.usual[1] for each in known.values())


def test_slider_arrives_and_stays_in_range() -> None:
    played = instrument()
    played.apply({"control": "dream.strength", "value": 1.5}, 1.0)
    assert played.numbers["dream.strength"](1.0) == 0.5
    assert played.numbers["dream.strength"](1.0 + GLIDE_SECONDS) == 1.5
    played.apply({"control": "camera.zoom", "value": 1e6, "seconds": 0}, 2.0)
    assert played.numbers["camera.zoom"](3.0) == 20
    played.apply({"reset": "camera.zoom"}, 4.0)
    assert played.numbers["camera.zoom"](9.0) == 10


@pytest.mark.parametrize(
    "wrong",
    [
        {"control": "camera.zom", "value": 1},
        {"control": "camera.zoom", "value": "2"},  # without a parser
        {"control": "camera.zoom", "value": float("nan")},
        {"control": "camera.zoom"},
        {"target": "class:unicorn"},
        {"target": 7},
        {"target": "class:"},
        {"scene": "nothing"},
        {"do": "explode"},
        {"fade": -1},
        {},
    ],
)
def test_impossible_gesture_changes_nothing(wrong: dict[str, Any]) -> None:
    played = instrument()
    before = played.state(5.0)
    with pytest.raises(ConfigError):
        played.apply(wrong, 1.0)
    assert played.state(5.0) == before


def test_targets_fade_blend_and_pause_autoplay() -> None:
    played = instrument()
    played.apply({"target": "class:fish", "seconds": 2.0}, 1.0)
    assert weights(played, 2.0) == {OWL: 0.5, FISH: 0.5}
    assert weights(played, 3.0) == {FISH: 1.0} and not played.autoplay.is_on
    played.apply({"target": {"class:fish": 1, "class:cat": 1}, "seconds": 1.0}, 4.0)
    assert weights(played, 5.0) == {CAT: 0.5, FISH: 0.5}
    played.tick(9.0)
    assert weights(played, 9.0) == {CAT: 0.5, FISH: 0.5}


def test_entries_change_on_beats_of_the_music() -> None:
    grid = Grid([0.3 + 0.61 * beat for beat in range(40)], 0, 4)
    turns = Turns(lambda number: {OWL: 1.0}, BeatHold(grid, 4.0, lambda end: 0.25), ())
    played = autoplay(turns, 1.0, 0.1, lambda: grid)
    played.start(0.0)
    ends = []
    for frame in range(160):
        if frame / 12 >= played.due:
            ends.append(played.due + played.fade)
            played.next(frame / 12)
    assert ends == pytest.approx([grid.time(4.0 * number) for number in range(1, len(ends) + 1)]) and len(ends) > 4


def test_autoplay_keeps_its_pace_and_tempo() -> None:
    played = instrument()
    changes = []
    for frame in range(120):
        before = played.autoplay.number
        played.tick(frame / 12)
        changes += [frame / 12] * (played.autoplay.number - before)
    assert changes == [1.5, 3.5, 5.5, 7.5, 9.5]
    for beat in range(4):
        played.apply({"do": "tap", "at": 100 + beat * 0.5}, 10.0 + beat * 0.5)
    assert played.autoplay.bpm == 120 and played.autoplay.hold == 2.0
    assert played.autoplay.due == 11.5 + 2.0 - played.autoplay.fade


def test_frozen_picture_stands_still_and_thaws() -> None:
    played = instrument()
    played.apply({"do": "freeze"}, 1.0)
    assert (played.numbers["camera.zoom"](2.0), played.numbers["dream.strength"](2.0)) == (1.0, 0.0)
    played.apply({"control": "dream.strength", "value": 0.9}, 2.0)
    played.tick(3.0)
    assert played.numbers["dream.strength"](3.0) == 0.0 and played.autoplay.number == 0
    played.apply({"do": "freeze"}, 4.0)
    assert (played.numbers["camera.zoom"](6.0), played.numbers["dream.strength"](6.0)) == (7.0, 0.9)


def test_undo_takes_back_whole_gestures() -> None:
    played = instrument()
    for number in range(10):  # one move of a slider
        played.apply({"control": "dream.strength", "value": 1 + number / 10}, 1 + number / 12)
    played.apply({"target": "class:fish"}, 3.0)
    played.apply({"do": "undo"}, 6.0)
    assert weights(played, 7.0) == {OWL: 1.0} and played.autoplay.is_on
    assert played.numbers["dream.strength"](7.0) == 1.9
    played.apply({"do": "undo"}, 8.0)
    assert played.numbers["dream.strength"](9.0) == 0.5
    played.apply({"do": "undo"}, 10.0)  # nothing is left


def test_undo_leaves_targets_alone_that_changed_by_themselves() -> None:
    played = instrument()
    played.apply({"control": "dream.strength", "value": 0.9}, 1.0)
    played.tick(1.5)
    played.apply({"do": "undo"}, 3.0)
    assert weights(played, 3.2) == {CAT: 1.0} and played.autoplay.due == 3.5


def test_undo_takes_back_scenes_taps_and_auto() -> None:
    scene = {"two": lambda: ({"dream.strength": constant(0.9)}, deck(FISH, CAT, hold=1.0))}
    played = instrument()
    played.scenes = scene
    played.apply({"scene": "two", "seconds": 0.5}, 1.0)
    played.apply({"do": "undo"}, 1.6)
    assert weights(played, 2.0) == {OWL: 1.0} and played.numbers["dream.strength"](2.0) == 0.5
    played.tick(played.autoplay.due)
    assert weights(played, 4.0) == {CAT: 1.0}  # what the preset plays, not the scene
    for beat in range(3):
        played.apply({"do": "tap", "at": beat * 0.5}, 4.0 + beat * 0.5)
    played.apply({"do": "auto"}, 5.1)
    played.apply({"do": "undo"}, 5.2)
    assert played.autoplay.is_on and played.autoplay.bpm == 120
    played.apply({"do": "undo"}, 5.3)
    assert (played.autoplay.bpm, played.autoplay.hold) == (None, 2.0) and played.state(5.3)["undo"] == 0
