"""Random draws: different, reproducible, fair to narrow layers."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.score.channel_sampling import draw_channels, draw_entries
from pipeline.score.hold import EvenHold
from pipeline.score.schedule import cycle
from pipeline.targets.target import Target
from tests.quick import QUICK
from tests.targets.notation import weights_of

WIDTHS = {"narrow": 4, "wide": 1000}


@QUICK
@given(st.integers(2, 12), st.integers(0, 2**63 - 1), st.integers(0, 5))
def test_no_channel_follows_itself(count: int, seed: int, shot: int) -> None:
    channels = draw_channels(count, ["narrow", "wide"], WIDTHS.__getitem__, seed=seed, shot=shot)
    wheel = cycle([{target: 1.0} for target in channels], EvenHold(1.0, lambda end: 0.0))
    order = [next(iter(wheel.weights(float(n)))) for n in range(-2 * count, 2 * count)]
    assert all(before != after for before, after in pairwise(order))
    assert len(set(order)) == count


def test_seed_and_shot_decide_the_draw() -> None:
    def draw(seed: int, shot: int) -> list[Target]:
        return draw_channels(10, ["wide"], WIDTHS.__getitem__, seed=seed, shot=shot)

    assert draw(7, 0) == draw(7, 0)
    assert draw(7, 0) != draw(8, 0)
    assert draw(7, 0) != draw(7, 1)


def test_every_channel_may_be_drawn_and_none_beyond() -> None:
    channels = draw_channels(4, ["narrow"], WIDTHS.__getitem__, seed=0, shot=0)
    assert sorted(map(str, channels)) == [f"narrow:{n}" for n in range(4)]
    with pytest.raises(ConfigError, match=r"^score\.random_channels=5: .*at most the 4 channels of narrow"):
        draw_channels(5, ["narrow"], WIDTHS.__getitem__, seed=0, shot=0)


def test_narrow_layers_are_drawn_as_often_as_wide_ones() -> None:
    firsts = [draw_channels(1, ["narrow", "wide"], WIDTHS.__getitem__, seed=seed, shot=0)[0] for seed in range(200)]
    assert 70 < sum(target.layer == "narrow" for target in firsts) < 130


def test_entries_are_drawn_at_most_once_each() -> None:
    entries = [weights_of({name: 1.0}) for name in "abcdef"]
    draws = draw_entries(4, entries, seed=3, shot=0)
    assert len({next(iter(entry)) for entry in draws}) == 4
    with pytest.raises(ConfigError, match=r"^score\.random_channels=-1"):
        draw_entries(-1, entries, seed=3, shot=0)
