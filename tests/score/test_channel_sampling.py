"""Random draws: different, reproducible, fair to narrow layers."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.score.channel_sampling import draw_channels, draw_sights
from pipeline.score.hold import Even
from pipeline.score.schedule import cycle
from pipeline.targets.target import TargetWeights
from tests.quick import QUICK
from tests.targets.notation import weights_of

WIDTHS = {"narrow": 4, "wide": 1000}


@QUICK
@given(st.integers(2, 12), st.integers(0, 2**63 - 1), st.integers(0, 5))
def test_nothing_is_seen_twice_running(count: int, seed: int, shot: int) -> None:
    sights = draw_channels(count, ["narrow", "wide"], WIDTHS.__getitem__, seed=seed, shot=shot)
    wheel = cycle(sights, Even(1.0, lambda end: 0.0))
    seen = [next(iter(wheel.weights(float(n)))) for n in range(-2 * count, 2 * count)]
    assert all(before != after for before, after in pairwise(seen))
    assert len(set(seen)) == count


def test_the_same_seed_and_shot_draw_the_same() -> None:
    def draw(seed: int, shot: int) -> list[TargetWeights]:
        return draw_channels(10, ["wide"], WIDTHS.__getitem__, seed=seed, shot=shot)

    assert draw(7, 0) == draw(7, 0)
    assert draw(7, 0) != draw(8, 0)
    assert draw(7, 0) != draw(7, 1)


def test_every_channel_may_be_drawn_and_none_beyond() -> None:
    drawn = draw_channels(4, ["narrow"], WIDTHS.__getitem__, seed=0, shot=0)
    assert sorted(str(target) for sight in drawn for target in sight) == [f"narrow:{n}" for n in range(4)]
    with pytest.raises(ConfigError, match=r"^score\.draw=5: .*at most the 4 channels of narrow"):
        draw_channels(5, ["narrow"], WIDTHS.__getitem__, seed=0, shot=0)


def test_a_narrow_layer_is_drawn_as_often_as_a_wide_one() -> None:
    firsts = [
        next(iter(draw_channels(1, ["narrow", "wide"], WIDTHS.__getitem__, seed=seed, shot=0)[0]))
        for seed in range(200)
    ]
    assert 70 < sum(target.layer == "narrow" for target in firsts) < 130


def test_targets_are_drawn_at_most_once_each() -> None:
    sights = [weights_of({name: 1.0}) for name in "abcdef"]
    drawn = draw_sights(4, sights, seed=3, shot=0)
    assert len({next(iter(sight)) for sight in drawn}) == 4
    with pytest.raises(ConfigError, match=r"^score\.draw=-1"):
        draw_sights(-1, sights, seed=3, shot=0)
