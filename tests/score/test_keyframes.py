"""Keyframes: exact at keys, inside their hull between them, the same at any frame rate."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.score.keyframes import Keyframes, parse_keyframes
from tests.quick import QUICK

VALUES = st.floats(-1000, 1000).map(lambda value: round(value, 6))
LISTS = st.lists(
    st.tuples(
        st.integers(0, 60_000),
        VALUES,
        st.sampled_from(["", "linear", "in", "out", "in-out", "hold", "bezier(0.4, 0, 0.2, 1)"]),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda key: key[0],
)


def keyframes(text: str, fps: int = 24, duration: float | None = 60.0) -> Keyframes:
    return parse_keyframes(text, key="camera.zoom", fps=Fraction(fps), duration=duration)


def write(keys: list[tuple[int, float, str]]) -> str:
    return ", ".join(f"{at}ms: {value:f} {easing}" for at, value, easing in keys)


@QUICK
@given(LISTS, st.floats(-10, 70))
def test_values_stay_between_their_keys(keys: list[tuple[int, float, str]], t: float) -> None:
    values = [value for _, value, _ in keys]
    assert min(values) <= keyframes(write(keys))(t) <= max(values)


@QUICK
@given(LISTS)
def test_value_at_a_key_is_exact(keys: list[tuple[int, float, str]]) -> None:
    curve = keyframes(write(keys))
    for at, value, _ in keys:
        assert curve(at / 1000) == value


@QUICK
@given(LISTS, st.floats(0, 60), st.integers(1, 240))
def test_seconds_mean_the_same_at_any_frame_rate(keys: list[tuple[int, float, str]], t: float, fps: int) -> None:
    assert keyframes(write(keys), fps)(t) == keyframes(write(keys), 24)(t)


@QUICK
@given(LISTS)
def test_the_order_of_keys_does_not_matter(keys: list[tuple[int, float, str]]) -> None:
    forward, backward = keyframes(write(sorted(keys))), keyframes(write(sorted(keys, reverse=True)))
    assert [forward(t / 2) for t in range(120)] == [backward(t / 2) for t in range(120)]


def test_easing_belongs_to_the_segment_before_its_key() -> None:
    curve = keyframes("0s: 0, 4s: 1 in, 8s: 2")
    assert curve(2.0) == pytest.approx(0.25)
    assert curve(6.0) == pytest.approx(1.5)


def test_values_hold_before_and_after_the_keys() -> None:
    curve = keyframes("2s: 3, 4s: 5")
    assert curve(-9.0) == 3.0 == curve(2.0)
    assert curve(4.0) == 5.0 == curve(99.0)


@pytest.mark.parametrize(
    ("easing", "quarter"),
    [
        ("linear", 0.25),
        ("in", 0.0625),
        ("out", 0.4375),
        ("in-out", 0.15625),
        ("hold", 0.0),
        ("bezier(0.333333, 0.333333, 0.666667, 0.666667)", 0.25),
        ("bezier(0.25, 0.1, 0.25, 1.0)", 0.4085),  # CSS's "ease"
    ],
)
def test_each_easing_has_its_shape(easing: str, quarter: float) -> None:
    curve = keyframes(f"0s: 0, 4s: 1 {easing}")
    assert curve(1.0) == pytest.approx(quarter, abs=1e-4)
    assert curve(4.0) == 1.0


def test_a_bezier_may_overshoot() -> None:
    assert max(keyframes("0s: 0, 1s: 1 bezier(0.3, 1.8, 0.7, 1.5)")(t / 50) for t in range(50)) > 1.1


def test_times_take_every_unit() -> None:
    assert keyframes("0: 0, 48f: 2, 50%: 30")(1.0) == 1.0
    assert keyframes("0: 0, 48f: 2, 50%: 30")(30.0) == 30.0


def test_frame_keys_are_read_like_deforum() -> None:
    curve = keyframes("0:(1.02), 60:(1.05), 120: (1.00)", fps=30)
    assert curve(0.0) == 1.02
    assert curve(1.0) == pytest.approx(1.035)
    assert curve(4.0) == 1.0 == curve(9.0)


def test_frame_keys_may_be_expressions_in_frames() -> None:
    curve = keyframes("0:(1), 30:(1 + t/60), 60:(max(2, 3)), 90:(0)", fps=30, duration=4.0)
    assert curve(0.5) == pytest.approx(1.25)  # half way from 1 to the value at frame 30
    assert curve(1.5) == pytest.approx(1.75)
    assert curve(2.5) == 3.0
    assert curve(3.0) == 0.0
    assert keyframes("0:(max_f)", fps=30, duration=4.0)(1.0) == 119.0


@pytest.mark.parametrize(
    "text",
    [
        "0s:",
        ":",
        "0s: fast",
        "0s: 1 bouncy",
        "0s: 1, 4s",
        "x: 1",
        "0s: 1, 0f: 2",
        "0s: nan",
        "-1s: 1",
        "0s: 1 bezier(1,2)",
        "0s: 1 bezier(-1,0,1,1)",
        "0s: 1 bezier(0,nan,1,1)",
        "0:(1), 1s: 2",
        "0:(1",
        "0:(__import__('os'))",
        "0:(t.real)",
        "lambda: 1",
        "0s: 1, " * 5000,
    ],
)
def test_what_are_not_keyframes_is_an_error(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^camera\.zoom="):
        keyframes(text)


def test_mistyped_easing_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean in-out"):
        keyframes("0s: 1, 4s: 2 inout")
