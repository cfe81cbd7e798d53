"""What an octave is given of its steps, by what they promised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dream.adaptive_steps import SLOWEST, Done, Thrift

FPS = 24
OWL = ("class:owl",)
RATES = st.floats(-20, 200)  # growth per second that a step promises
SEEN = st.lists(st.sampled_from([("class:owl",), ("class:eye",), ("class:owl", "class:eye")]), min_size=1, max_size=40)


def run(
    thrift: Thrift,
    rates: list[float],
    *,
    most: int = 1,
    fps: float = FPS,
    sees: tuple[str, ...] = OWL,
    octave: int = 0,
    value: float = 7.0,
) -> list[int]:
    """The steps taken in one frame after another, by the growth per second that they promise there."""
    found = []
    for rate in rates:
        taken = thrift.steps(octave, sees, most, 1 / fps)
        thrift.close([Done(octave, sees, most, taken, rate * value / fps, value)], 1 / fps)
        found.append(taken)
    return found


def share(rate: float, growth: float = 6.0, seconds: float = 4, **how: float) -> float:
    """Steps per frame once the octave has settled, where all steps always promise this rate."""
    fps = how.get("fps", FPS)
    taken = run(Thrift(growth), [rate] * round(2 * seconds * fps), **how)  # type: ignore[arg-type]
    return sum(taken[len(taken) // 2 :]) / (len(taken) // 2)


def in_balance(loss: float, *, fps: float = FPS, most: int = 1, growth: float = 6.0) -> tuple[float, float]:
    """(steps per second, what is seen) of an octave that loses a share ``loss`` per second of what it sees, and to
    which full steps add 3 per second.
    """
    thrift, seen, taken, total = Thrift(growth), 1.0, list[int](), 0.0
    for frame in range(round(16 * fps)):
        steps, gain = thrift.steps(0, OWL, most, 1 / fps), 3 / fps
        thrift.close([Done(0, OWL, most, steps, gain, seen)], 1 / fps)
        seen += (gain if steps else 0.0) - seen * loss / fps
        taken.append(steps)
        total += seen if frame >= 8 * fps else 0.0
    return sum(taken[len(taken) // 2 :]) / 8, total / (8 * fps)


@pytest.mark.parametrize("fps", [24, 48])
def test_steps_follow_what_is_lost(fps: float) -> None:
    """The share is the loss over the growth that is asked for, and what is seen is the same at every loss."""
    steps, seen = in_balance(2.0, fps=fps)
    more, same = in_balance(4.0, fps=fps)
    assert [steps, more] == pytest.approx([fps / 3, 2 * fps / 3], rel=0.2)
    assert seen == pytest.approx(0.5, rel=0.2)
    assert same == pytest.approx(0.5, rel=0.2)
    assert in_balance(9.0, fps=fps)[0] == fps


def test_what_grows_enough_gets_every_step() -> None:
    assert share(6.0) == share(50.0) == 1
    assert share(6.0, most=4) == 4


def test_nothing_is_left_longer_than_animation_on_fours() -> None:
    assert share(0.0) == share(-5.0) == SLOWEST / FPS
    assert share(0.0, fps=60) == pytest.approx(SLOWEST / 60, abs=0.01)
    assert share(0.0, fps=5) == 1


def test_none_is_left_out_where_nothing_is_asked_or_nothing_is_seen() -> None:
    assert share(0.0, growth=0.0) == 1
    assert share(0.1, value=0.0) == share(0.1, value=-3.0) == 1


@given(rates=st.lists(RATES, min_size=1, max_size=60), most=st.integers(1, 5), growth=st.floats(0, 100))
def test_steps_stay_within_bounds_whatever_is_measured(rates: list[float], most: int, growth: float) -> None:
    taken = run(Thrift(growth), rates, most=most)
    assert taken[0] == most
    assert all(0 <= steps <= most for steps in taken)
    for start in range(len(taken) - 3):
        assert sum(taken[start : start + 4]) >= 1


@given(rates=st.lists(RATES, min_size=2, max_size=60), cut=st.integers(1, 59), most=st.integers(1, 3))
def test_gone_on_from_its_note_it_decides_the_same(rates: list[float], cut: int, most: int) -> None:
    whole = run(Thrift(6.0), rates, most=most)
    first, second = Thrift(6.0), Thrift(6.0)
    begun = run(first, rates[:cut], most=most)
    second.recall(first.note())
    assert second.note() == first.note()
    assert begun + run(second, rates[cut:], most=most) == whole


@given(sights=SEEN)
def test_new_targets_get_all_steps_at_once(sights: list[tuple[str, ...]]) -> None:
    thrift, before = Thrift(6.0), None
    for sees in sights:
        (taken,) = run(thrift, [0.0], sees=sees)
        assert taken == 1 or sees == before
        before = sees


def test_the_order_of_targets_is_none() -> None:
    thrift = Thrift(6.0)
    run(thrift, [0.0] * 48, sees=("a", "b"))
    assert thrift.steps(0, ("b", "a"), 1, 1 / FPS) + thrift.steps(0, ("b",), 1, 1 / FPS) == 1


def test_growth_that_comes_back_is_answered_soon_and_what_goes_is_let_go_slowly() -> None:
    thrift = Thrift(6.0)
    calm = run(thrift, [0.0] * 96)
    assert sum(calm[-24:]) == SLOWEST
    woken = run(thrift, [12.0] * 24)
    assert woken[8:] == [1] * 16
    assert sum(run(thrift, [0.0] * 6)) >= 5


def test_forgotten_it_begins_anew() -> None:
    thrift = Thrift(6.0)
    run(thrift, [0.0] * 96)
    thrift.forget()
    assert run(thrift, [6.0] * 9) == [1] * 9


def test_an_octave_that_was_away_begins_anew() -> None:
    thrift = Thrift(6.0)
    run(thrift, [0.0] * 96)
    thrift.close([], 1 / FPS)
    assert run(thrift, [6.0] * 9) == [1] * 9


def test_octaves_at_rest_take_turns() -> None:
    thrift, frames = Thrift(6.0), []
    for _ in range(96):
        taken = [thrift.steps(octave, OWL, 1, 1 / FPS) for octave in range(4)]
        thrift.close([Done(octave, OWL, 1, steps, 0.0, 1.0) for octave, steps in enumerate(taken)], 1 / FPS)
        frames.append(taken)
    assert [sum(taken) for taken in frames[-8:]] == [1] * 8
