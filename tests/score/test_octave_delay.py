"""Octave delays: the closed formula at constant zoom, its integral at a changing one, limits elsewhere."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.score.octave_delay import MAX_DELAY_SECONDS, OctaveDelays
from tests.quick import QUICK

SCALES = [0.22, 0.35, 0.55, 1.0]
TIMES = np.arange(-5.0, 35.0, 0.11)


def ages_of(delays: OctaveDelays, scale: float) -> np.ndarray:
    return np.array([delays.delay(float(t), scale) for t in TIMES])


def birth(delays: OctaveDelays, t: float, scale: float) -> float:
    return t - delays.delay(t, scale)


@QUICK
@given(st.floats(1.03, 8), st.floats(-10, 40), st.sampled_from(SCALES))
def test_zooming_in_follows_the_formula(zoom: float, t: float, scale: float) -> None:
    delays = OctaveDelays(lambda _: zoom, SCALES, 30.0)
    assert birth(delays, t, scale) == pytest.approx(t - math.log(1 / scale) / math.log(zoom), abs=1e-9)


@QUICK
@given(st.floats(0.1, 0.97), st.floats(-10, 40), st.sampled_from(SCALES))
def test_zooming_out_starts_at_the_coarsest_octave(zoom: float, t: float, scale: float) -> None:
    delays = OctaveDelays(lambda _: zoom, SCALES, 30.0)
    expected = t - math.log(scale / min(SCALES)) / abs(math.log(zoom))
    assert birth(delays, t, scale) == pytest.approx(expected, abs=1e-9)


def test_without_zoom_there_is_no_delay() -> None:
    delays = OctaveDelays(lambda _: 1.0, SCALES, 10.0)
    assert all(delays.delay(t, scale) == 0.0 for t in (-1.0, 0.0, 5.0, 99.0) for scale in SCALES)


def test_a_single_octave_has_no_delay() -> None:
    assert OctaveDelays(lambda _: 1.5, [1.0], 10.0).delay(5.0, 1.0) == 0.0


@pytest.mark.parametrize(
    "zoom",
    [
        lambda t: 1.5 + 0.3 * math.sin(t),
        lambda t: 1.1 + 0.05 * t,
        lambda t: 2.5 - 0.05 * t,
    ],
)
def test_changing_zoom_is_integrated(zoom: Callable[[float], float]) -> None:
    delays = OctaveDelays(zoom, SCALES, 25.0)
    for t in (0.0, 1.0, 7.3, 12.0, 25.0):
        for scale in SCALES:
            born = birth(delays, t, scale)
            grid = np.linspace(born, t, 20_001)
            speed = np.log([zoom(max(float(s), 0.0)) for s in grid])
            travelled = float(np.sum((speed[1:] + speed[:-1]) / 2) * (t - born) / 20_000)
            assert travelled == pytest.approx(math.log(1 / scale), abs=2e-3)


def test_births_advance_and_coarser_octaves_are_older() -> None:
    delays = OctaveDelays(lambda t: 1.6 + 0.5 * math.sin(3 * t), SCALES, 30.0)
    ages = np.array([ages_of(delays, scale) for scale in SCALES])  # coarsest first
    assert (np.diff(ages, axis=0) <= 1e-9).all()
    assert (np.diff(TIMES - ages, axis=1) >= -1e-9).all()


def test_start_from_standstill_delays_births() -> None:
    delays = OctaveDelays(lambda t: 1.0 if t < 5 else 1.5, SCALES, 30.0)
    assert delays.delay(4.9, 0.22) == 0.0
    assert birth(delays, 7.0, 0.22) == pytest.approx(5.0, abs=0.1)
    assert birth(delays, 20.0, 0.22) == pytest.approx(20 - math.log(1 / 0.22) / math.log(1.5), abs=1e-6)


def test_zoom_that_stops_leaves_the_octaves_apart() -> None:
    delays = OctaveDelays(lambda t: 1.5 if t < 10 else 1.0, SCALES, 30.0)
    assert delays.delay(29.0, 0.22) == pytest.approx(math.log(1 / 0.22) / math.log(1.5), abs=0.1)
    assert delays.delay(29.0, 0.22) == delays.delay(12.0, 0.22)
    back = OctaveDelays(lambda t: 1 / 1.5 if t < 10 else 1.0, SCALES, 30.0)
    assert back.delay(29.0, 1.0) == pytest.approx(math.log(1 / 0.22) / math.log(1.5), abs=0.1)


def reversing(t: float) -> float:
    return 1.5 if math.sin(t / 2) > 0 else 1 / 1.5


@pytest.mark.parametrize(
    "zoom",
    [
        lambda t: math.exp(0.5 * math.sin(t)),
        lambda t: math.exp(0.01 * math.sin(t)),
        lambda t: math.exp(2.0 * math.sin(0.4 * t)),
        reversing,
    ],
)
def test_swaying_zoom_stays_bounded_and_continuous(zoom: Callable[[float], float]) -> None:
    delays = OctaveDelays(zoom, SCALES, 30.0)
    for scale in SCALES:
        ages = ages_of(delays, scale)
        assert ages.min() >= 0.0
        assert ages.max() <= MAX_DELAY_SECONDS
        assert np.abs(np.diff(ages)).max() <= 8.0 * 0.11 + 1e-9


def test_new_motifs_take_over_when_the_zoom_turns() -> None:
    delays = OctaveDelays(lambda t: 1.5 if t < 10 else 1 / 1.5, SCALES, 40.0)
    assert delays.delay(9.0, 1.0) == 0.0 < delays.delay(9.0, 0.22)
    settled = math.log(1 / 0.22) / math.log(1.5)
    assert delays.delay(30.0, 0.22) == pytest.approx(0.0, abs=1e-9)
    assert delays.delay(30.0, 1.0) == pytest.approx(settled, abs=1e-6)


def test_ages_grow_while_motifs_sway_up_to_a_limit() -> None:
    delays = OctaveDelays(lambda t: math.exp(0.3 * math.sin(3 * t)), SCALES, 60.0, max_seconds=20.0)
    middle = [delays.delay(t, 0.35) for t in (0.0, 5.0, 10.0, 59.0)]
    assert middle[0] < middle[1] < middle[2] < middle[3] == 20.0


def test_slow_zoom_has_less_delay_down_to_none() -> None:
    def age(zoom: float) -> float:
        return OctaveDelays(lambda _: zoom, SCALES, 5.0).delay(2.0, 0.22)

    ages = [age(zoom) for zoom in (1.03, 1.02, 1.01, 1.001, 1.0)]
    assert ages == sorted(ages, reverse=True)
    assert max(ages) <= MAX_DELAY_SECONDS
    assert ages[3] < 3.0 and ages[4] == 0.0


def test_delay_is_interpolated_between_octaves() -> None:
    delays = OctaveDelays(lambda _: 1.5, [0.25, 1.0], 10.0)
    assert delays.delay(3.0, 0.5) == pytest.approx(delays.delay(3.0, 0.25) / 2)
    assert delays.delay(3.0, 0.1) == delays.delay(3.0, 0.25)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_zoom_has_to_be_above_zero(bad: float) -> None:
    with pytest.raises(ConfigError, match=r"^camera\.zoom=.*above 0, also at 4s"):
        OctaveDelays(lambda t: bad if t >= 4 else 1.5, SCALES, 10.0)


def test_growing_table_is_the_whole_one() -> None:
    def zoom(t: float) -> float:
        return math.exp(0.3 * math.sin(t)) if t < 20 else 0.8

    whole, growing = OctaveDelays(zoom, SCALES, 30.0), OctaveDelays(zoom, SCALES, 0.0, grows=True)
    for frame in range(29 * 24):
        assert [growing.delay(frame / 24, s) for s in SCALES] == [whole.delay(frame / 24, s) for s in SCALES]
