"""Numbers that may change in time: constants, keyframes and expressions."""

from fractions import Fraction

import pytest

from pipeline.errors import ConfigError
from pipeline.score.curve import Curve, parse_curve

FILM = Fraction(24)


def curve(value: str | float, low: float | None = None, high: float | None = None) -> Curve:
    return parse_curve(value, key="camera.zoom", fps=FILM, duration=8.0, limits=(low, high))


@pytest.mark.parametrize(
    ("value", "at_three"),
    [(1.5, 1.5), ("1.5", 1.5), (2, 2.0), ("0s: 1, 6s: 2", 1.5), ("1 + t/6", 1.5), ("0:(1), 144:(2)", 1.5)],
)
def test_every_notation_of_a_number(value: str | float, at_three: float) -> None:
    assert curve(value).at(3.0) == pytest.approx(at_three)


@pytest.mark.parametrize("value", [True, "", "abc", None, "nan", "inf", float("nan"), [1.0], "1e999"])
def test_what_is_not_a_number_is_an_error(value: str) -> None:
    with pytest.raises(ConfigError, match=r"^camera\.zoom="):
        curve(value)


def test_range_is_checked_over_the_whole_shot() -> None:
    with pytest.raises(ConfigError, match=r"^camera\.zoom=1 - t/4: has to be at least 0.5, but is 0.489583 at 2.042s"):
        curve("1 - t/4", low=0.5)
    with pytest.raises(ConfigError, match=r"has to lie between 0.5 and 1.5, but is 1.5.* at 5.042s"):
        curve("0s: 1, 10s: 2", low=0.5, high=1.5)
    with pytest.raises(ConfigError, match=r"^camera\.zoom=3: has to be at most 2, but is 3 at 0s"):
        curve(3, high=2)


def test_values_that_are_not_finite_are_errors() -> None:
    with pytest.raises(ConfigError, match=r"^camera\.zoom=1/\(t-2\): cannot be computed at 2s"):
        curve("1/(t-2)")
    with pytest.raises(ConfigError, match=r"is not finite at 0s"):
        curve("1e308*10")


def test_keyframes_at_their_limits_stay_within() -> None:
    steady = curve("0s: 0.1, 7s: 0.1, 8s: 0.3", low=0.1, high=0.3)
    assert steady.at(3.3) == 0.1


def test_every_shot_and_setting_has_its_own_noise() -> None:
    def noise(seed: int, key: str) -> list[float]:
        wave = parse_curve("noise(t)", key=key, fps=FILM, duration=8.0, seed=seed)
        return [wave.at(t / 10) for t in range(80)]

    assert noise(1, "camera.pan.x") == noise(1, "camera.pan.x")
    assert noise(1, "camera.pan.x") != noise(2, "camera.pan.x")
    assert noise(1, "camera.pan.x") != noise(1, "camera.pan.y")
