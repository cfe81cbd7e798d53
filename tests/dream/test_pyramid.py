"""Sizes of octaves."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.dream.pyramid import octave_size
from pipeline.image import fit

SIDES = st.integers(16, 5000)


@given(SIDES, SIDES, st.floats(0.05, 1.0))
def test_octaves_have_the_frames_shape_and_sides_that_transform_quickly(height: int, width: int, scale: float) -> None:
    size, short = (height, width), scale * min(height, width)
    plain, quick = fit(size, short), octave_size(size, short)
    if plain == size:
        assert quick == size
        return
    for wanted, side in zip(plain, quick, strict=True):
        assert abs(side - wanted) <= max(1, 0.06 * wanted)
        for prime in (2, 3, 5, 7):
            while side % prime == 0:
                side //= prime
        assert side == 1


def test_a_size_that_is_quick_already_stays() -> None:
    assert octave_size((360, 640), 240.0) == (240, 432)
    assert octave_size((360, 640), 180.0) == (180, 320)
    assert octave_size((361, 641), 361.0) == (361, 641)
