"""Which octaves a frame has, and how strong they are."""

from dataclasses import replace
from itertools import pairwise

import pytest

from pipeline.config import (
    REFERENCE_PIXELS,
    DreamConfig,
    StartConfig,
    frame_octaves,
    octave_scales,
    octave_strengths,
)
from pipeline.image import growth_steps

DREAM = DreamConfig(octaves=4, octave_ratio=1.5, detail=0.15)


def sides(short_side: int, grown: float = 1.0) -> list[int]:
    return [round(scale * REFERENCE_PIXELS) for scale in octave_scales(DREAM, short_side, grown)]


def test_larger_frames_add_finer_octaves() -> None:
    assert sides(360) == [107, 160, 240, 360]
    assert sides(180) == [107, 160, 180]
    assert sides(720) == [107, 160, 240, 360, 540, 720]
    assert sides(1080) == [107, 160, 240, 360, 540, 810, 1080]
    assert sides(2160) == [107, 160, 240, 360, 540, 810, 1215, 1822]


def test_frame_smaller_than_all_octaves_has_one() -> None:
    assert sides(64) == [64]


def test_growing_canvas_has_coarser_octaves() -> None:
    assert sides(90, grown=0.25) == [27, 40, 60, 90]
    assert sides(160, grown=0.5) == [53, 80, 120, 160]


@pytest.mark.parametrize("short_side", [108, 180, 360, 720, 1080])
def test_same_octave_has_same_strength_in_all_sizes(short_side: int) -> None:
    reference = dict(zip(sides(360), octave_strengths(DREAM, octave_scales(DREAM, 360)), strict=True))
    assert sum(reference.values()) == pytest.approx(4)
    assert reference[360] == pytest.approx(0.15 * reference[107])
    scales = octave_scales(DREAM, short_side)
    for side, strength in zip(sides(short_side), octave_strengths(DREAM, scales), strict=True):
        if side in reference or side > 360:
            assert strength == pytest.approx(reference[min(side, 360)], rel=0.01)


def test_one_octave_has_all_of_the_strength() -> None:
    (octave,) = frame_octaves(replace(DREAM, octaves=1, exponent=1.5, crispness=0.4), 360)
    assert octave == (1.0, 1.0, 1.5)


def test_noise_grows_alike_in_all_sizes() -> None:
    start = StartConfig(size=64)
    small, middle, large = (list(growth_steps(start, size, 72)) for size in ((180, 320), (360, 640), (1080, 1920)))
    assert [step.grown for step in small] == [step.grown for step in middle] == [step.grown for step in large]
    whole = [step.size == (1080, 1920) for step in large]
    first = whole.index(True)
    assert all(whole[first:]) and len(whole) - first == 5 and middle[:first] == large[:first]
    assert [step.size for step in small] == [min(step.size, (180, 320)) for step in middle]
    assert middle[-1] == ((360, 640), 1.0, 1.0)
    assert sum(step.grown < 0.5 for step in large) == pytest.approx(0.9 * first, abs=1)  # while forms arise


@pytest.mark.parametrize("first_side", [16, 64, 150, 200, 312, 343, 359, 360, 400])
@pytest.mark.parametrize("steps", [1, 2, 6, 8, 24, 72])
def test_noise_grows_in_small_steps_to_the_whole(first_side: int, steps: int) -> None:
    grown = list(growth_steps(StartConfig(size=first_side), (720, 1280), steps))
    parts = [step.grown for step in grown]
    assert len(parts) == steps and parts[-1] == 1 and grown[-1].size == (720, 1280)
    growing = parts[: parts.index(1) + 1]
    assert growing == sorted(set(growing))
    if steps >= 6 and first_side >= 64:
        assert max(after / before for before, after in pairwise([min(1, first_side / 360), *parts])) < 1.5


def test_fine_octaves_are_crisp() -> None:
    dream = replace(DREAM, exponent=1.5, crispness=0.4)
    small, whole, large = (frame_octaves(dream, side) for side in (180, 360, 720))
    assert [whole[0].exponent, whole[-1].exponent] == pytest.approx([1.5, 0.9])
    assert [octave.exponent for octave in whole] == sorted((octave.exponent for octave in whole), reverse=True)
    assert large[:4] == whole and large[-1].exponent == whole[-1].exponent
    assert small[:2] == whole[:2]
    assert {octave.exponent for octave in frame_octaves(replace(DREAM, exponent=1.5), 720)} == {1.5}
    growing = frame_octaves(dream, 90, 0.25)
    assert [octave.exponent for octave in growing] == pytest.approx([octave.exponent for octave in whole])


def test_boost_fades_while_noise_grows() -> None:
    for size in (64, 400):
        boosts = [step.boost for step in growth_steps(StartConfig(size=size, boost=3), (360, 640), 72)]
        assert 2.9 < boosts[0] < 3 and boosts[-1] == 1 and boosts == sorted(boosts, reverse=True)
    assert {step.boost for step in growth_steps(StartConfig(size=64), (360, 640), 72)} == {1}
    photograph = [step.boost for step in growth_steps(StartConfig(kind="image", boost=3), (360, 640), 5)]
    assert photograph[0] > 2 and photograph[-1] == 1


def test_photograph_does_not_grow() -> None:
    steps = list(growth_steps(StartConfig(kind="image"), (180, 320), 5))
    assert steps == [((180, 320), 1.0, 1.0)] * 5
