"""A played number is what its keyframes say."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.live.track import Source, Track, constant
from pipeline.score.curve import Curve, parse_curve
from tests.quick import QUICK

TOLERANCE = 0.01
WAVE = Source(lambda t: math.sin(t), "(sin(t))")
HIDDEN = Source(lambda t: math.cos(t))  # has no expression: written as numbers


def film(text: str) -> Curve:
    return parse_curve(text, key="camera.zoom", fps=Fraction(24), duration=None)


gestures = st.lists(
    st.tuples(
        st.integers(0, 12),  # frames since the gesture before
        st.one_of(st.floats(-2, 2), st.sampled_from([WAVE, HIDDEN])),
        st.sampled_from([0.0, 0.08, 0.5, 2.0]),
    ),
    max_size=12,
)


@QUICK
@given(gestures, st.sampled_from([constant(0.5), WAVE, HIDDEN]))
def test_film_repeats_what_was_played(moves: list[tuple[int, float | Source, float]], start: Source) -> None:
    track, played, frame = Track(start, TOLERANCE), [(0.0, start.at(0.0))], 0
    for frames, goal, seconds in [*moves, (30, 0.0, 0.0)]:
        for _ in range(frames):
            track.sample(frame / 24)
            played.append((frame / 24, track(frame / 24)))
            frame += 1
        track.glide(frame / 24, goal if isinstance(goal, Source) else constant(goal), seconds)
    again = film(track.text(10**6))
    assert all(abs(again.at(t) - value) <= TOLERANCE * 1.01 + 2e-4 for t, value in played)


def test_slider_that_moves_evenly_leaves_few_keys() -> None:
    track = Track(constant(1.0), TOLERANCE)
    for frame in range(240):
        track.glide(frame / 24, constant(1 + frame / 240), 0.08)
    assert track.text(10**6).count(":") < 12


def test_expressions_are_written_as_such() -> None:
    track = Track(WAVE, TOLERANCE)
    assert track.text(1000) == "0s: (sin(t))"
    track.glide(2.0, constant(3.0), 1.0)
    assert track.text(1000) == "0s: (sin(t)), 2s: (sin(t)), 3s: 3"
    assert track(2.5) == pytest.approx((math.sin(2.5) + 3) / 2)
    track.glide(5.0, WAVE, 1.0)
    assert track.text(1000).endswith("3s: 3, 5s: 3, 6s: (sin(t))") and track(8.0) == math.sin(8.0)


def test_long_recordings_get_fewer_keys() -> None:
    track = Track(constant(0.0), 1e-9)
    for frame in range(2000):
        track.glide(frame / 12, constant(math.sin(frame / 7)), 0.0)
    assert len(track.text(5000)) <= 5000
    again = film(track.text(5000))
    assert max(abs(again.at(n / 12) - track(n / 12)) for n in range(2000)) < 0.6
