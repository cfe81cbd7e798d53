from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.decode.frame_rate import constant_rate, frame_indices, typical_rate
from tests.quick import QUICK


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(60)])
def test_constant_rates_are_exact_even_from_milliseconds(rate: Fraction) -> None:
    times = np.round(1000 * np.arange(500) / float(rate)) / 1000
    assert constant_rate(times, rate) == rate
    assert constant_rate(times, Fraction(1000)) == rate  # containers that do not know


def test_a_variable_rate_is_not_constant() -> None:
    times = np.concatenate([np.arange(30) / 30, 1 + np.arange(10) / 10])
    assert constant_rate(times, Fraction(30)) is None
    assert typical_rate(times) == 30


def test_a_phone_that_drops_frames_runs_at_thirty() -> None:
    dice = np.random.default_rng(1)
    times = np.cumsum(1 / 30 + dice.normal(0, 0.001, 300))
    times = np.delete(times, dice.integers(5, 290, 40))
    assert constant_rate(times, Fraction(299, 10)) is None
    assert typical_rate(times) in (30, Fraction(30000, 1001))


@QUICK
@given(st.integers(1, 200), st.sampled_from([Fraction(24), Fraction(30000, 1001), Fraction(60)]), st.floats(0, 3))
def test_frames_at_the_source_rate_are_the_source_frames(count: int, rate: Fraction, offset: float) -> None:
    times = offset + np.arange(count) / float(rate)
    assert frame_indices(times, start=offset, rate=rate, frames=count).tolist() == list(range(count))


def test_another_rate_repeats_or_drops_frames_in_time() -> None:
    times = np.arange(24) / 24
    assert frame_indices(times, start=0, rate=Fraction(12), frames=12).tolist() == list(range(0, 24, 2))
    doubled = frame_indices(times, start=0, rate=Fraction(48), frames=48)
    assert np.abs(doubled / 24 - np.arange(48) / 48).max() <= 1 / 48 + 1e-9


def test_the_earlier_frame_stays_until_the_next() -> None:
    times = np.array([0.0, 0.1, 0.5])
    assert frame_indices(times, start=0, rate=Fraction(10), frames=7).tolist() == [0, 1, 1, 1, 1, 2, 2]
