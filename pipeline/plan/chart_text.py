"""Texts of the chart of a score."""

from itertools import groupby
from operator import itemgetter

from pipeline.plan.score_data import ScoreFrames


def in_order(score: ScoreFrames) -> dict[str, int]:
    """Target → its number, in order of appearance."""
    lists = [score.targets, *(targets for _, targets in score.octaves)]
    names = dict.fromkeys(name for targets in lists for weights in targets for name in weights)
    return {name: number for number, name in enumerate(names)}


def constants(numbers: dict[str, float]) -> str:
    """The numbers that do not move: ``camera: zoom 1.5, rotate 0 · dream: detail 1``."""
    groups = groupby(((*key.split(".", 1), value) for key, value in numbers.items()), itemgetter(0))
    return " · ".join(f"{group}: {', '.join(f'{name} {value:.6g}' for _, name, value in all)}" for group, all in groups)


def clock(seconds: float) -> str:
    """Seconds as ``12.5``, ``1:05`` or ``1:01:05``."""
    if seconds < 60:
        return f"{seconds:g}"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:.0f}:{rest:02.0f}" if minutes < 60 else f"{minutes // 60:.0f}:{minutes % 60:02.0f}:{rest:02.0f}"
