"""The order in which frames are shown: backwards, forth and back, faster, in between."""

from pathlib import Path

import pytest

from pipeline.cli.compose import make_config
from pipeline.errors import ConfigError
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.planner import plan_film

FILM = ("network=motifnet", "frame.width=96", "frame.height=64", "frame.fps=4")


def planned(folder: Path, *words: str) -> FilmPlan:
    return plan_film(make_config([*FILM, *words]), folder, "film")


def positions(folder: Path, *words: str) -> list[float]:
    playback = planned(folder, *words).playback
    assert playback is not None
    return list(playback.positions)


@pytest.mark.parametrize("words", [(), ("film.speed=1",), ("playback.reverse=false",)])
def test_plain_film_is_shown_as_it_is_dreamed(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert planned(tmp_path, "duration=5f", *words).playback is None


def test_rate_of_the_dream_itself_adds_no_frames(tmp_path: Path) -> None:
    plan = planned(tmp_path, "duration=5f", "encode.interpolate=4")
    assert plan.playback is not None and list(plan.playback.positions) == [0, 1, 2, 3, 4] and plan.shown_fps == 4


def test_whole_frames_in_another_order(tmp_path: Path) -> None:
    assert positions(tmp_path, "duration=5f", "film.reverse=true") == [4, 3, 2, 1, 0]
    assert positions(tmp_path, "duration=4f", "film.pingpong=true") == [0, 1, 2, 3, 2, 1]
    assert positions(tmp_path, "duration=4f", "film.pingpong=true", "film.reverse=true") == [3, 2, 1, 0, 1, 2]
    assert positions(tmp_path, "duration=8f", "film.speed=2") == [0, 2, 4, 6]


def test_frames_in_between_keep_the_duration(tmp_path: Path) -> None:
    plan = planned(tmp_path, "duration=8f", "encode.interpolate=10")
    assert plan.playback is not None and plan.seconds == 2 and plan.shown_fps == 10
    places = plan.playback.positions
    assert places == pytest.approx([min(0.4 * number, 7) for number in range(20)])
    assert plan.playback.between == 14
    slow = planned(tmp_path, "duration=8f", "film.speed=0.5")
    assert slow.seconds == 4 and slow.playback is not None and slow.playback.positions[3] == 1.5


def test_speed_is_integrated_over_shown_seconds(tmp_path: Path) -> None:
    places = positions(tmp_path, "duration=40f", "film.speed=0s: 0.5, 4s: 1.5")
    seconds = [number / 4 for number in range(17)]
    assert places[:17] == pytest.approx([4 * (0.5 * t + t * t / 8) for t in seconds])


def test_loop_continues_at_its_beginning_and_a_cut_is_not_mixed(tmp_path: Path) -> None:
    looped = planned(tmp_path, "duration=12f", "loop=true", "encode.interpolate=8").playback
    assert looped is not None and looped.positions[-1] == 11.5 and looped.pair(11.5) == (11, 0, 0.5)
    shots = "film=[{preset: spiral, duration: 4f},{preset: breathing, duration: 4f}]"
    cut = planned(tmp_path, shots, "encode.interpolate=16").playback
    assert cut is not None and cut.pair(3.25) == (3, 3, 0.0) and cut.pair(3.75) == (4, 4, 0.0)
    assert cut.pair(2.25) == (2, 3, 0.25)


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("film.reverse=true", "frames=0..2"), "frames"),
        (("film.pingpong=true", "loop=true"), "film.pingpong"),
        (("encode.interpolate=2",), "encode.interpolate"),
        (("encode.interpolate=x",), "encode.interpolate"),
        (("film.speed=0",), "speed"),
        (("film.speed=t-1",), "film.speed"),
    ],
)
def test_what_cannot_be_shown_is_refused(tmp_path: Path, words: tuple[str, ...], key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        planned(tmp_path, "duration=12f", *words)


def test_moments_lie_where_they_are_shown(tmp_path: Path) -> None:
    shown = {
        words: planned(tmp_path, "duration=8f", *words).playback.seconds_shown(0.6)  # type: ignore[union-attr]
        for words in (("film.reverse=true",), ("film.pingpong=true",), ("film.speed=0.5",), ("film.speed=2",))
    }
    assert [[round(at, 3) for at in each] for each in shown.values()] == [[1.15], [0.6, 2.9], [1.2], [0.3]]
    plan = planned(tmp_path, "duration=8f", "film.reverse=true")
    assert [plan.dreamed_second(at) for at in (0.0, 0.5, 1.9)] == [1.75, 1.25, 0.0]
