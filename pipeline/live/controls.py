"""The numbers that can be played: every setting that may change in time, with its range. No torch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.config import RenderConfig, settings
from pipeline.errors import ConfigError, nearest

OF_FOOTAGE = ("flow.",)
WITHOUT_FOOTAGE = ("dream.momentum", "dream.coarse_momentum")
OF_PALETTES = ("color.palette_strength",)
UNPLAYED = ("playback.", "dream.echo", "imagine.")  # of finished films; of where a film begins
AXES = (".x", ".y")
TOLERANCE = 0.0001  # of the range of a slider: how far a recorded number may lie from the played one


@dataclass(frozen=True)
class Control:
    """A number ``key`` such as ``camera.pan.x``; it may go from ``low`` to ``high``, its slider over ``usual``."""

    key: str
    help: str
    low: float | None
    high: float | None
    usual: tuple[float, float]

    def clip(self, value: float) -> float:
        """The value, moved into the range."""
        low, high = (-1e9 if self.low is None else self.low), (1e9 if self.high is None else self.high)
        return min(max(value, low), high) if value == value else low

    def as_data(self) -> dict[str, Any]:
        """What the page needs of it."""
        low, high = self.usual
        return {"key": self.key, "help": self.help, "low": low, "high": high, "min": self.low, "max": self.high}

    @property
    def tolerance(self) -> float:
        """How far a recorded value may lie from the played one."""
        return TOLERANCE * (self.usual[1] - self.usual[0])


def controls(*, has_footage: bool = False, has_palette: bool = True) -> dict[str, Control]:
    """Every number that can be played, by key, in the order of the settings."""
    left_out = (WITHOUT_FOOTAGE if has_footage else OF_FOOTAGE) + (() if has_palette else OF_PALETTES)
    return {
        f"{key}{axis}": Control(f"{key}{axis}", data["help"], data["low"], data["high"], _slider(data))
        for key, value, data in _curves(RenderConfig())
        if not key.startswith(left_out)
        for axis in (AXES if isinstance(value, list) else ("",))
    }


def written_values(config: RenderConfig) -> dict[str, Any]:
    """What the config says for every control: a number, an expression or keyframes."""
    values: dict[str, Any] = {}
    for key, value, _ in _curves(config):
        parts = zip(AXES, value, strict=True) if isinstance(value, list) else [("", value)]
        values |= {f"{key}{axis}": part for axis, part in parts}
    return values


def find(known: dict[str, Control], key: str) -> Control:
    """The control of this key. Raises ConfigError with the nearest names."""
    if key not in known:
        raise ConfigError(key[:80], "…", f"there is no such control{nearest(key[:80], known)}")
    return known[key]


def _curves(config: RenderConfig) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """(key, value, metadata) of every setting that may change in time."""
    for key, item, value in settings(config):
        if item.metadata["curve"] and not key.startswith(UNPLAYED):
            yield key, value, item.metadata


def _slider(data: Mapping[str, Any]) -> tuple[float, float]:
    low, high = data["usual"] or (data["low"], data["high"])
    return (-1.0 if low is None else low, 1.0 if high is None else high)
