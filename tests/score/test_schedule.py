"""What is seen when: holds, fades, wraps and keys."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.score.hold import Pace, check_pace, parse_pace
from pipeline.score.schedule import Constant, Key, Keys, cycle, ping_pong, sort_keys
from tests.quick import QUICK
from tests.targets.notation import weights_of

A, B, C = (weights_of({name: 1.0}) for name in "abc")
TIMES = st.floats(-1000, 1000)


def pace(hold: float, fade: float) -> Pace:
    made = parse_pace(hold, fade, fps=Fraction(24), duration=60.0, grid=None)
    check_pace(made)
    return made


@QUICK
@given(TIMES, st.floats(0.1, 5), st.floats(0, 1))
def test_the_drive_is_constant_and_at_most_two_sights_mix(t: float, hold: float, part: float) -> None:
    weights = cycle([A, B, C], pace(hold, hold * part)).weights(t)
    assert sum(weights.values()) == pytest.approx(1.0)
    assert all(0 < weight <= 1 for weight in weights.values())
    assert len(weights) <= 2


@QUICK
@given(st.floats(-50, 50), st.integers(-20, 20))
def test_a_cycle_is_periodic(t: float, rounds: int) -> None:
    wheel = cycle([A, B, C], pace(2.0, 0.5))
    later = wheel.weights(t + 6.0 * rounds)
    for target in (*A, *B, *C):
        assert later.get(target, 0.0) == pytest.approx(wheel.weights(t).get(target, 0.0), abs=1e-9)


def test_hold_counts_from_change_to_change_and_ends_in_the_fade() -> None:
    wheel = cycle([A, B, C], pace(2.0, 0.5))
    assert wheel.weights(0.0) == A == wheel.weights(1.5) == wheel.weights(6.0) == wheel.weights(-6.0)
    assert wheel.weights(1.75) == weights_of({"a": 0.5, "b": 0.5})
    assert wheel.weights(2.0) == B == wheel.weights(-4.0)
    assert wheel.weights(-0.25) == weights_of({"c": 0.5, "a": 0.5})


def test_the_fade_is_smooth_at_both_ends() -> None:
    wheel = cycle([A, B], pace(1.0, 1.0))
    shares = [wheel.turn(t).share for t in (0.0, 0.01, 0.25, 0.5, 0.75, 0.99)]
    assert shares == sorted(shares)
    assert shares[1] < 0.001 and shares[-1] > 0.999
    assert shares[2] == pytest.approx(0.15625)


def test_without_a_fade_the_sight_changes_at_once() -> None:
    wheel = cycle([A, B], pace(1.0, 0.0))
    assert wheel.weights(0.999) == A
    assert wheel.weights(1.0) == B


def test_one_sight_never_changes() -> None:
    assert cycle([A], pace(1.0, 0.5)) == Constant(A)


def test_ping_pong_does_not_double_the_ends() -> None:
    swing = ping_pong([A, B, C], pace(1.0, 0.0))
    assert "".join(next(iter(swing.weights(float(n)))).layer for n in range(-4, 9)) == "abcbabcbabcba"
    pair = ping_pong([A, B], pace(1.0, 0.0))
    assert [pair.weights(float(n)) for n in range(3)] == [A, B, A]


@pytest.mark.parametrize(("hold", "fade", "key"), [(0, 0, "hold"), (-1, 0, "hold"), (1, 1.5, "fade"), (1, -1, "fade")])
def test_refuses_an_impossible_hold_or_fade(hold: float, fade: float, key: str) -> None:
    with pytest.raises(ConfigError, match=rf"^score\.{key}="):
        cycle([A, B], pace(hold, fade))


def test_keys_hold_before_between_and_after() -> None:
    keys = sort_keys([Key(8.0, C, 1.0), Key(2.0, A, 1.0), Key(4.0, B, 1.0)])
    assert keys.weights(-100.0) == A == keys.weights(1.5) == keys.weights(3.0)
    assert keys.weights(3.5) == weights_of({"a": 0.5, "b": 0.5})
    assert keys.weights(4.0) == B == keys.weights(7.0)
    assert keys.weights(8.0) == C == keys.weights(1e6)


def test_a_fade_longer_than_its_gap_is_shortened_to_it() -> None:
    keys = sort_keys([Key(0.0, A, 0.0), Key(4.0, B, 0.0), Key(5.0, C, 60.0)])
    assert keys.weights(3.9) == A
    assert keys.weights(4.0) == B
    assert keys.weights(4.5) == weights_of({"b": 0.5, "c": 0.5})


def test_two_keys_at_one_time_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"^score\.keys=4s: two keys stand at the same time"):
        sort_keys([Key(4.0, A, 0.0), Key(0.0, B, 0.0), Key(4.0, C, 0.0)])


@QUICK
@given(st.lists(st.floats(0, 100), min_size=1, max_size=8, unique=True), st.floats(0, 50), TIMES)
def test_keys_keep_the_drive_constant(times: list[float], fade: float, t: float) -> None:
    keys = sort_keys([Key(at, weights_of({f"k{n}": 1.0}), fade) for n, at in enumerate(times)])
    assert sum(keys.weights(t).values()) == pytest.approx(1.0)
    for n, at in enumerate(times):
        assert keys.weights(at) == weights_of({f"k{n}": 1.0})


def test_every_schedule_names_its_sights() -> None:
    assert cycle([A, B], pace(1.0, 0.0)).sights() == (A, B)
    assert Constant(A).sights() == (A,)
    assert Keys((Key(0.0, B, 0.0),)).sights() == (B,)
