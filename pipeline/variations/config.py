"""The settings of a sheet of variations. No torch."""

from dataclasses import dataclass

from pipeline.config.setting import option
from pipeline.errors import ConfigError
from pipeline.plan.film_plan import FilmPlan
from pipeline.timing.timecode import parse_time, show_time

DEFAULT_SECONDS = 2.0


@dataclass
class VariationsConfig:
    """Which frame of each film is shown, and how large."""

    at: str | None = option(None, "time of the stills; null: 2s, or the end of a shorter film")
    size: int = option(180, "pixels on a still's short side", low=32, high=1080)


def still_seconds(plan: FilmPlan, at: str | None) -> float:
    """The time of a film's still. Raises ConfigError where the film is shorter."""
    end = float(plan.frames / plan.fps)
    if at is None:
        return min(DEFAULT_SECONDS, end)
    seconds = parse_time(at, fps=plan.fps, key="at", duration=end, grid=plan.signals.grid)
    if seconds > end:
        raise ConfigError("at", at, f"the film lasts {show_time(end)}")
    return seconds
