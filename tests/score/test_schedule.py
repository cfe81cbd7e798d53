"""When entries play: holds, fades, wraps and keys."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.score.hold import Hold, parse_hold, parse_length
from pipeline.score.schedule import Constant, Key, Keys, cycle, ping_pong, sort_keys
from tests.quick import QUICK
from tests.targets.notation import weights_of

A, B, C = (weights_of({name: 1.0}) for name in "abc")
TIMES = st.floats(-1000, 1000)


def turns(hold: float, fade: float) -> Hold:
    length = parse_length(fade, key="score.fade", fps=Fraction(24), duration=60.0, grid=None)
    return parse_hold(hold, length, key="score.hold", fps=Fraction(24), duration=60.0, grid=None)


@QUICK
@given(TIMES, st.floats(0.1, 5), st.floats(0, 1))
def test_fades_keep_the_total_weight_and_mix_two_entries(t: float, hold: float, part: float) -> None:
    weights = cycle([A, B, C], turns(hold, hold * part)).weights(t)
    assert sum(weights.values()) == pytest.approx(1.0)
    assert all(0 < weight <= 1 for weight in weights.values())
    assert len(weights) <= 2


@QUICK
@given(st.floats(-50, 50), st.integers(-20, 20))
def test_a_cycle_is_periodic(t: float, rounds: int) -> None:
    wheel = cycle([A, B, C], turns(2.0, 0.5))
    later = wheel.weights(t + 6.0 * rounds)
    for target in (*A, *B, *C):
        assert later.get(target, 0.0) == pytest.approx(wheel.weights(t).get(target, 0.0), abs=1e-9)


def test_hold_counts_between_changes_and_ends_in_the_fade() -> None:
    wheel = cycle([A, B, C], turns(2.0, 0.5))
    assert wheel.weights(0.0) == A == wheel.weights(1.5) == wheel.weights(6.0) == wheel.weights(-6.0)
    assert wheel.weights(1.75) == weights_of({"a": 0.5, "b": 0.5})
    assert wheel.weights(2.0) == B == wheel.weights(-4.0)
    assert wheel.weights(-0.25) == weights_of({"c": 0.5, "a": 0.5})


def test_the_fade_is_smooth_at_both_ends() -> None:
    wheel = cycle([A, B], turns(1.0, 1.0))
    fades = [wheel.turn(t).fade for t in (0.0, 0.01, 0.25, 0.5, 0.75, 0.99)]
    assert fades == sorted(fades)
    assert fades[1] < 0.001 and fades[-1] > 0.999
    assert fades[2] == pytest.approx(0.15625)


def test_without_a_fade_the_entry_changes_at_once() -> None:
    wheel = cycle([A, B], turns(1.0, 0.0))
    assert wheel.weights(0.999) == A
    assert wheel.weights(1.0) == B


def test_one_entry_never_changes() -> None:
    assert cycle([A], turns(1.0, 0.5)) == Constant(A)


def test_ping_pong_does_not_double_the_ends() -> None:
    swing = ping_pong([A, B, C], turns(1.0, 0.0))
    assert "".join(next(iter(swing.weights(float(n)))).layer for n in range(-4, 9)) == "abcbabcbabcba"
    pair = ping_pong([A, B], turns(1.0, 0.0))
    assert [pair.weights(float(n)) for n in range(3)] == [A, B, A]


@pytest.mark.parametrize(("hold", "fade", "key"), [(0, 0, "hold"), (-1, 0, "hold"), (1, 1.5, "fade"), (1, -1, "fade")])
def test_impossible_hold_or_fade_is_an_error(hold: float, fade: float, key: str) -> None:
    with pytest.raises(ConfigError, match=rf"^score\.{key}="):
        cycle([A, B], turns(hold, fade))


def test_keys_hold_before_between_and_after() -> None:
    keys = sort_keys([Key(8.0, C, 1.0), Key(2.0, A, 1.0), Key(4.0, B, 1.0)])
    assert keys.weights(-100.0) == A == keys.weights(1.5) == keys.weights(3.0)
    assert keys.weights(3.5) == weights_of({"a": 0.5, "b": 0.5})
    assert keys.weights(4.0) == B == keys.weights(7.0)
    assert keys.weights(8.0) == C == keys.weights(1e6)


def test_fade_is_shortened_to_its_gap() -> None:
    keys = sort_keys([Key(0.0, A, 0.0), Key(4.0, B, 0.0), Key(5.0, C, 60.0)])
    assert keys.weights(3.9) == A
    assert keys.weights(4.0) == B
    assert keys.weights(4.5) == weights_of({"b": 0.5, "c": 0.5})


def test_two_keys_at_one_time_are_an_error() -> None:
    with pytest.raises(ConfigError, match=r"^score\.keys=4s: two keys have the same time"):
        sort_keys([Key(4.0, A, 0.0), Key(0.0, B, 0.0), Key(4.0, C, 0.0)])


@QUICK
@given(st.lists(st.floats(0, 100), min_size=1, max_size=8, unique=True), st.floats(0, 50), TIMES)
def test_keys_keep_the_total_weight(times: list[float], fade: float, t: float) -> None:
    keys = sort_keys([Key(at, weights_of({f"k{n}": 1.0}), fade) for n, at in enumerate(times)])
    assert sum(keys.weights(t).values()) == pytest.approx(1.0)
    for n, at in enumerate(times):
        assert keys.weights(at) == weights_of({f"k{n}": 1.0})


def test_every_schedule_lists_its_entries() -> None:
    assert cycle([A, B], turns(1.0, 0.0)).entries() == (A, B)
    assert Constant(A).entries() == (A,)
    assert Keys((Key(0.0, B, 0.0),)).entries() == (B,)
