"""Signals in a score: pulses on the beat, levels with attack and release, by name and by call."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import ScoreConfig
from pipeline.errors import ConfigError
from pipeline.score.curve import Curve, parse_curve
from pipeline.score.hold import Hold, parse_hold, parse_length
from pipeline.score.schedule import cycle
from pipeline.score.score import build
from pipeline.score.shot_context import ShotContext
from pipeline.timing.beat_grid import Grid, even_grid
from pipeline.timing.signals import COUNTS, SMOOTH, Signals, SongSignals
from tests.quick import QUICK
from tests.targets.notation import text_weights, weights_of

RATE = 86.0
STEPS = np.repeat([0.0, 1.0, 0.0], 86).astype(np.float32)
SONG = SongSignals(
    levels=dict.fromkeys(("bass", "mid", "treble", "loud"), STEPS),
    rate=RATE,
    start=0.0,
    onsets=dict.fromkeys(("onset", "onset_bass", "onset_mid", "onset_treble"), ([0.5, 1.0, 1.05], [0.8, 1.0, 0.2])),
    sections=[0.0, 4.0, 9.0],
)
METRONOME = Signals(even_grid(120, 4), attack=0.01, release=0.25)
WITH_SONG = Signals(even_grid(120, 4), attack=0.01, release=0.25, song=SONG)


def curve(text: str, signals: Signals = WITH_SONG, duration: float | None = 8.0) -> Curve:
    return parse_curve(text, key="camera.zoom", fps=Fraction(24), duration=duration, signals=signals)


@QUICK
@given(st.floats(-5, 30), st.sampled_from(SMOOTH), st.floats(0, 2), st.floats(0, 2))
def test_every_signal_is_within_0_and_1(t: float, name: str, attack: float, release: float) -> None:
    for signals in (METRONOME, WITH_SONG):
        assert 0.0 <= signals.signal(name, attack, release)(t) <= 1.0


def test_pulse_is_1_on_the_beat_and_decays() -> None:
    beat = curve("beat(0.1, 0.2)").at
    for number in range(1, 12):
        assert beat(number / 2) == pytest.approx(1.0, abs=1e-6)
        assert beat(number / 2 + 0.2) == pytest.approx(math.exp(-1), abs=1e-6)
        assert beat(number / 2 - 0.02) == pytest.approx(0.8, abs=1e-6)  # rising, to arrive on time
    bar = curve("bar(0, 0.1)").at
    assert bar(2.0) == pytest.approx(1.0) and bar(1.5) < 0.01


def test_onsets_are_as_high_as_their_strength() -> None:
    onset = curve("onset(0, 0.1)").at
    assert onset(0.49) == 0.0
    assert onset(0.5) == pytest.approx(0.8)
    assert onset(1.0) == pytest.approx(1.0)
    assert onset(1.05) == pytest.approx(math.exp(-0.5))  # the weak one is hidden by the strong one before it
    assert onset(1.15) == pytest.approx(math.exp(-1.5))


def test_levels_rise_with_attack_and_fall_with_release() -> None:
    bass = curve("bass(0.1, 0.4)").at
    assert bass(0.9) == 0.0
    assert bass(1.0 + 0.1) == pytest.approx(1 - math.exp(-1), abs=0.05)
    assert bass(1.99) == pytest.approx(1.0, abs=0.01)
    assert bass(2.0 + 0.4) == pytest.approx(math.exp(-1), abs=0.05)
    assert curve("bass").at(2.25) == pytest.approx(math.exp(-1), abs=0.05)  # the settings' own release
    assert bass(100.0) == 0.0 == bass(-1.0)


def test_counts_of_beats_bars_and_sections() -> None:
    assert curve("beats").at(3.25) == pytest.approx(6.5)
    assert curve("bars + 0*floor(beats)").at(3.0) == pytest.approx(1.5)
    assert [curve("section").at(t) for t in (0.0, 3.99, 4.0, 8.0)] == [0, 0, 1, 1]


def test_signals_do_not_depend_on_the_frame_rate() -> None:
    values = []
    for fps in (Fraction(24), Fraction(60)):
        made = parse_curve("1 + bass*beat", key="k", fps=fps, duration=4.0, signals=WITH_SONG)
        values.append([made.at(t / 2) for t in range(8)])
    assert values[0] == values[1]


def test_metronome_replaces_a_missing_song() -> None:
    for name in ("bass", "loud", "onset"):
        assert curve(f"{name}(0, 0.1)", METRONOME).at(1.5) == pytest.approx(1.0)
    assert (
        curve("mid(0, 0.05)", METRONOME).at(0.5) == pytest.approx(1.0)
        and curve("mid(0, 0.05)", METRONOME).at(1.0) < 0.01
    )
    assert curve("treble(0, 0.05)", METRONOME).at(0.75) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "text",
    [
        "1.2 + 0.6*bass",
        "0s: 1.2, 4b: 1.6 in-out, 2bar: 1",
        "0s: (1 + 0.2*bass(0.02, 0.3)), 4b: (1.5 - 0.1*beat) in-out, 8b: 1",
        "0:(1 + 0.1*beat), 60:(1.05)",
        "min(1 + loud, 2) if beats > 3 else 1 + saw(bars)",
    ],
)
def test_curves_follow_the_music(text: str) -> None:
    values = {curve(text).at(n / 24) for n in range(120)}
    assert len(values) > 10


def test_expression_keys_blend_with_their_neighbours() -> None:
    moving = curve("0s: (beats), 4s: 0, 6s: (2*beats) hold").at
    assert moving(0.0) == 0.0
    assert moving(2.0) == pytest.approx(0.5 * 4.0)
    assert moving(4.0) == 0.0 == moving(5.9)
    assert moving(7.0) == pytest.approx(28.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("basss", r"'basss' is unknown; the names are t, frame, .*bass.*\(did you mean bass"),
        ("bass()", r"bass\(attack, release\) takes one or two plain numbers of seconds from 0 to 60"),
        ("bass(1, 2, 3)", r"takes one or two plain numbers"),
        ("bass(t)", r"takes one or two plain numbers"),
        ("bass(-1)", r"takes one or two plain numbers"),
        ("bass(61)", r"takes one or two plain numbers"),
        ("beats(1)", r"beats is not a function here"),
        ("bass.real", r"attribute is not allowed in an expression"),
        ("0s: (1, 4s: 2", r"not an expression in t"),
        ("0s: bass, 4s: 2", r"write keyframes as 0s: 1.2, .*with expressions in parentheses"),
        ("0s: (import os), 4s: 2", r"not an expression in t"),
    ],
)
def test_wrong_signals_are_named(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        curve(text)


def test_without_signals_their_names_are_unknown() -> None:
    for name in (*SMOOTH, *COUNTS):
        with pytest.raises(ConfigError, match=f"'{name}' is unknown"):
            parse_curve(name, key="k", fps=Fraction(24), duration=1.0)


SEE = ("class:owl", "class:eye", "class:fish")


def strongest(kind: str, **options: Any) -> list[str]:
    """The strongest target at each 1/24 s of 12 s."""
    context = ShotContext(Fraction(24), 12.0, [1.0], {}.__getitem__, signals=METRONOME)
    score = build(ScoreConfig(kind, targets=list(SEE), **options), context)
    return [str(max(score.at(n / 24).targets(1.0).items(), key=lambda item: item[1])[0]) for n in range(288)]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("beats", {"every": "4b"}),
        ("beats", {"every": "1bar"}),
        ("cycle", {"hold": "4b"}),
        ("cycle", {"hold": "2s"}),
        ("cycle", {"hold": 2.0}),
        ("keys", {"keys": [{"at": f"{4 * n}b", "see": SEE[n % 3]} for n in range(6)]}),
    ],
)
def test_targets_change_on_the_beat(kind: str, options: dict[str, Any]) -> None:
    targets = strongest(kind, fade="0b", **options)
    changes = [n for n in range(1, 288) if targets[n] != targets[n - 1]]
    assert changes == [48, 96, 144, 192, 240]


def turns(hold: str, fade: str, grid: Grid) -> Hold:
    length = parse_length(fade, key="score.fade", fps=Fraction(24), duration=60.0, grid=grid)
    return parse_hold(hold, length, key="score.hold", fps=Fraction(24), duration=60.0, grid=grid)


def test_fade_ends_on_the_beat() -> None:
    grid = even_grid(100, 4, 0.4)
    wheel = cycle([weights_of({"a": 1.0}), weights_of({"b": 1.0})], turns("4b", "1b", grid))
    assert text_weights(wheel.weights(grid.time(4))) == {"b": 1.0}
    assert text_weights(wheel.weights(grid.time(3))) == {"a": 1.0}
    assert text_weights(wheel.weights(grid.time(3.5))) == {"a": pytest.approx(0.5), "b": pytest.approx(0.5)}
    assert text_weights(wheel.weights(0.0)) == {"a": 1.0}  # also before the first bar


def test_fade_longer_than_its_hold_is_an_error() -> None:
    for hold, fade in (("4b", "5b"), ("1b", "1s"), ("1s", "3b")):
        with pytest.raises(ConfigError, match=r"score.fade=.*the fade is part of the hold"):
            turns(hold, fade, even_grid(120, 4))
    with pytest.raises(ConfigError, match=r"score.hold=0s: hold each target"):
        turns("0b", "0b", even_grid(120, 4))
