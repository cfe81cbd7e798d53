"""Beats to seconds and back, beyond both ends, and in times as users write them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.timing.beat_grid import Grid, even_grid
from pipeline.timing.timecode import parse_beats, parse_time
from tests.quick import QUICK

SWAYING = Grid((0.4, 0.9, 1.5, 2.2, 2.6, 3.1), -1, 3)


@QUICK
@given(st.floats(-100, 100))
def test_beat_and_time_are_inverse(t: float) -> None:
    for grid in (SWAYING, even_grid(97.3, 4, 0.35)):
        assert grid.time(grid.beat(t)) == pytest.approx(t, abs=1e-9)


def test_grid_is_linear_and_continues_beyond_its_ends() -> None:
    assert [SWAYING.time(n) for n in (-1, 0, 4)] == [0.4, 0.9, 3.1]
    assert SWAYING.time(0.5) == pytest.approx(1.2)
    assert SWAYING.time(6) == pytest.approx(3.1 + 2 * 0.5)
    assert SWAYING.time(-3) == pytest.approx(0.4 - 2 * 0.5)


@pytest.mark.parametrize("bpm", [60, 97.3, 120, 174])
def test_even_grid_is_exact_for_hours(bpm: float) -> None:
    grid = even_grid(bpm, 4, 0.35)
    for number in (0, 1, 999, 40_000):
        assert grid.time(number) == pytest.approx(0.35 + number * 60 / bpm, abs=1e-7)
        assert grid.number(grid.time(number)) == number


def test_beat_0_is_the_first_bar_of_the_film() -> None:
    assert even_grid(120, 4, 0.25).time(0) == pytest.approx(0.25)
    assert even_grid(120, 4, 60.25).time(0) == pytest.approx(0.25)
    assert even_grid(120, 4, -0.25).time(0) == pytest.approx(1.75)
    assert even_grid(120, 3).time(0) == 0.0


def test_beats_between_two_seconds() -> None:
    assert even_grid(120, 4).between(0.0, 2.0) == [(0, 0.0), (1, 0.5), (2, 1.0), (3, 1.5)]
    assert [number for number, _ in SWAYING.between(0.0, 1.0)] == [-1, 0]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("4b", 2.35), ("2bar", 4.35), ("1bar1b", 2.85), ("2bar 500ms", 4.85), ("0b", 0.35), ("0.5b", 0.6), ("3s", 3.0)],
)
def test_times_in_beats_are_positions_in_the_film(text: str, seconds: float) -> None:
    assert parse_time(text, fps=Fraction(24), key="k", grid=even_grid(120, 4, 0.35)) == pytest.approx(seconds)


@pytest.mark.parametrize(("text", "seconds"), [("4b", 2.0), ("2bar", 4.0), ("2bar 500ms", 4.5), ("3s", 3.0)])
def test_lengths_do_not_depend_on_where_bars_start(text: str, seconds: float) -> None:
    grid = even_grid(120, 4, 0.35)
    assert parse_time(text, fps=Fraction(24), key="k", grid=grid, is_length=True) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "beats"), [("4b", 4), ("2bar", 6), ("1bar 1b", 4), ("0.5B", 0.5), ("2s", None), (2.0, None), ("25%", None)]
)
def test_lengths_in_beats_are_counts(text: object, beats: float | None) -> None:
    assert parse_beats(text, key="k", beats_per_bar=3) == beats


def test_impossible_beats_are_errors() -> None:
    with pytest.raises(ConfigError, match=r"k=4b: there are no beats to count here"):
        parse_time("4b", fps=Fraction(24), key="k")
    with pytest.raises(ConfigError, match=r"k=4b1s: write a length in beats and bars or in seconds"):
        parse_beats("4b1s", key="k", beats_per_bar=4)
    with pytest.raises(ConfigError, match=r"'bars' is not a unit of time; the units are .*, b, bar"):
        parse_time("4bars", fps=Fraction(24), key="k", grid=SWAYING)
    with pytest.raises(ConfigError, match="each unit of time at most once"):
        parse_time("4b4b", fps=Fraction(24), key="k", grid=SWAYING)
