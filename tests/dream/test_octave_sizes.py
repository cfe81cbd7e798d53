"""Sizes of octaves."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.dream.octave_sizes import octave_size
from pipeline.image import fit

SIDES = st.integers(16, 5000)


@given(SIDES, SIDES, st.floats(0.05, 1.0))
def test_octaves_have_fast_sides(height: int, width: int, scale: float) -> None:
    size, short = (height, width), scale * min(height, width)
    plain, fast = fit(size, short), octave_size(size, short)
    if plain == size:
        assert fast == size
        return
    for expected, side in zip(plain, fast, strict=True):
        assert abs(side - expected) <= max(1, 0.06 * expected)
        for prime in (2, 3, 5, 7):
            while side % prime == 0:
                side //= prime
        assert side == 1


def test_a_size_that_is_quick_already_stays() -> None:
    assert octave_size((360, 640), 240.0) == (240, 432)
    assert octave_size((360, 640), 180.0) == (180, 320)
    assert octave_size((361, 641), 361.0) == (361, 641)
