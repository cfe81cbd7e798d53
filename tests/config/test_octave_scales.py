"""Which octaves a frame has, and how strong they are."""

import pytest

from pipeline.config import REFERENCE_PIXELS, DreamConfig, StartConfig, octave_scales, octave_strengths
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


def test_noise_grows_alike_in_all_sizes() -> None:
    start = StartConfig(size=64, steps=48)
    small, middle, large = (list(growth_steps(start, size, 48)) for size in ((180, 320), (360, 640), (1080, 1920)))
    assert [step.grown for step in small] == [step.grown for step in middle] == [step.grown for step in large]
    assert middle[:45] == large[:45] and large[46].size == (1080, 1920)
    assert [step.size for step in small] == [min(step.size, (180, 320)) for step in middle]
    assert middle[-1] == ((360, 640), 1.0, 1.0)
    assert sum(step.grown <= 0.5 for step in large) > 0.75 * 48  # forms arise while noise is small


def test_boost_fades_while_noise_grows() -> None:
    boosts = [step.boost for step in growth_steps(StartConfig(size=64, boost=3), (360, 640), 48)]
    assert 2.9 < boosts[0] < 3 and boosts[-1] == 1 and boosts == sorted(boosts, reverse=True)
    assert {step.boost for step in growth_steps(StartConfig(size=64), (360, 640), 48)} == {1}


def test_photograph_does_not_grow() -> None:
    steps = list(growth_steps(StartConfig(kind="image"), (180, 320), 5))
    assert steps == [((180, 320), 1.0, 1.0)] * 5
