"""The walk from channel to similar channel."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.score.channel_sampling import ChannelWalk
from pipeline.targets.target import Target, parse_target
from tests.quick import QUICK

START = parse_target("stage4:50", "k")


def by_distance(layer: str, channel: int) -> list[int]:
    """Channels of a layer with 100 of them, nearest first by number."""
    assert layer == "stage4"
    return sorted((n for n in range(100) if n != channel), key=lambda n: (abs(n - channel), n))


def channels(walk: ChannelWalk, first: int, last: int) -> list[int]:
    return [next(iter(walk.entry(n))).channel or 0 for n in range(first, last)]


@QUICK
@given(st.integers(0, 2**63 - 1))
def test_no_channel_returns_at_once(seed: int) -> None:
    path = channels(ChannelWalk(START, by_distance, seed=seed, shot=0), -40, 40)
    assert path[40] == 50
    assert all(path[n] not in path[n + 1 : n + 3] for n in range(len(path) - 2))


def test_order_of_queries_does_not_matter() -> None:
    forward, backward = (ChannelWalk(START, by_distance, seed=5, shot=1) for _ in range(2))
    ahead = channels(forward, -20, 20)
    assert [channels(backward, n, n + 1)[0] for n in range(19, -21, -1)] == ahead[::-1]


def test_seed_and_shot_change_the_walk() -> None:
    paths = [channels(ChannelWalk(START, by_distance, seed=s, shot=h), 0, 30) for s, h in ((1, 0), (2, 0), (1, 1))]
    assert paths[0] != paths[1] and paths[0] != paths[2]


def test_steps_go_to_similar_channels() -> None:
    path = channels(ChannelWalk(START, by_distance, seed=0, shot=0), 0, 200)
    steps = [abs(after - before) for before, after in pairwise(path)]
    assert max(steps) <= 14  # six fresh ones among at most eight remembered, on either side
    assert sum(steps) / len(steps) < 5


def test_without_fresh_channels_the_oldest_is_next() -> None:
    path = channels(ChannelWalk(START, lambda layer, n: [50, 51, 52], seed=0, shot=0), 0, 12)
    assert all(len(set(path[n : n + 3])) == 3 for n in range(10))


def test_without_similar_channels_it_stays() -> None:
    assert channels(ChannelWalk(START, lambda layer, n: [], seed=0, shot=0), -2, 3) == [50] * 5


@pytest.mark.parametrize("text", ["class:owl", "stage4"])
def test_walk_starts_at_a_channel(text: str) -> None:
    target: Target = parse_target(text, "k")
    with pytest.raises(ConfigError, match=r"^score\.targets=.*a walk starts at a channel"):
        ChannelWalk(target, by_distance, seed=0, shot=0)
