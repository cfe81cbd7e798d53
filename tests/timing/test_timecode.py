"""Times and frame rates as users write them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.timing.timecode import format_time, parse_fps, parse_time, show_time
from tests.quick import QUICK

FILM = Fraction(24)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("8s", 8.0),
        ("96f", 4.0),
        ("1m30s", 90.0),
        ("1h", 3600.0),
        ("500ms", 0.5),
        ("25%", 2.5),
        (" 1.5 s ", 1.5),
        (".5s", 0.5),
        ("2s12f", 2.5),
        ("7", 7.0),
        (7, 7.0),
        (0.25, 0.25),
        ("1e-3", 0.001),
        ("0", 0.0),
    ],
)
def test_every_unit_is_parsed(text: str | float, seconds: float) -> None:
    assert parse_time(text, fps=FILM, key="hold", duration=10.0) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "s", "8x", "8 8", "-1s", "-3", "1s1s", "nan", "inf", "1e9", "99999h", "8s!", "1:30", "9" * 99, True],
)
def test_what_is_not_a_time_is_an_error(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^score\.hold="):
        parse_time(text, fps=FILM, key="score.hold", duration=10.0)


def test_unknown_unit_lists_the_units() -> None:
    with pytest.raises(ConfigError, match=r"'x' is not a unit of time; the units are h, m, s, ms, f, %"):
        parse_time("8x", fps=FILM, key="score.hold")


def test_percentage_needs_a_duration() -> None:
    with pytest.raises(ConfigError, match="a percentage needs a known duration"):
        parse_time("25%", fps=FILM, key="at")


@QUICK
@given(st.just(0.0) | st.floats(1e-9, 800_000))
def test_format_and_parse_are_inverse(seconds: float) -> None:
    assert parse_time(format_time(seconds), fps=FILM, key="at") == seconds


def test_format_is_short() -> None:
    assert [format_time(t) for t in (0.0, 8.0, 0.5, 90.5, 120.0)] == ["0s", "8s", "0.5s", "1m30.5s", "2m"]
    assert show_time(1.91666) == "1.917s"


@pytest.mark.parametrize(
    ("value", "rate"),
    [
        (24, Fraction(24)),
        ("25", Fraction(25)),
        (12.5, Fraction(25, 2)),
        (29.97, Fraction(30000, 1001)),
        (23.976, Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        (59.94, Fraction(60000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
        (240, Fraction(240)),
    ],
)
def test_frame_rates_are_exact(value: str | float, rate: Fraction) -> None:
    assert parse_fps(value, "frame.fps") == rate


@pytest.mark.parametrize("value", [0, 0.5, 241, "fast", "24/0", "-24", float("nan"), float("inf"), True, ""])
def test_what_is_not_a_frame_rate_is_an_error(value: str | float) -> None:
    with pytest.raises(ConfigError, match=r"^frame\.fps=.*from 1 to 240"):
        parse_fps(value, "frame.fps")
