"""Upper limits on what is read and rendered: larger values are more likely a typing error, or an attack."""

from collections.abc import Sized
from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option, settings
from pipeline.errors import ConfigError


@dataclass
class LimitsConfig:
    """Limits on what is read and rendered. You can raise each one."""

    hours: float = option(24.0, "length of a film", low=0.0, high=240)
    megapixels: float = option(140.0, "millions of pixels of a frame", low=0.0, high=268.5)
    picture_megapixels: float = option(200.0, "millions of pixels of an input picture", low=0.0, high=10_000)
    picture_mb: float = option(1000.0, "size of a picture's file, in millions of bytes", low=0.0, high=100_000)
    footage_gb: float = option(2000.0, "size of a video's file, in billions of bytes", low=0.0, high=1_000_000)
    weights_gb: float = option(16.0, "size of a file of weights, in billions of bytes", low=0.0, high=1000)
    lut_mb: float = option(100.0, "size of a look-up table's file, in millions of bytes", low=0.0, high=1000)
    entries: int = option(5000, "entries of a list: targets, keys, layers", low=1, high=1_000_000)
    text: int = option(20_000, "characters of one value", low=1, high=1_000_000)
    nesting: int = option(6, "depth of lists and tables in one setting", low=1, high=16)


def check_sizes(config: Any, limits: LimitsConfig) -> None:
    """Raise ConfigError, which names the limit, for a value of ``config`` that is too large."""
    for key, _, value in settings(config):
        _check(key, value, limits, 0)


def _check(key: str, value: object, limits: LimitsConfig, depth: int) -> None:
    if isinstance(value, str):
        _check_length(key, value, limits.text, "characters", "text")
    if not isinstance(value, list | dict):
        return
    if depth >= limits.nesting:
        raise ConfigError(key, "…", f"lists may nest at most {limits.nesting} deep (limits.nesting)")
    _check_length(key, value, limits.entries, "entries", "entries")
    for entry in [*value, *value.values()] if isinstance(value, dict) else value:
        _check(key, entry, limits, depth + 1)


def _check_length(key: str, value: Sized, high: int, unit: str, limit: str) -> None:
    if len(value) > high:
        start = value[:40] if isinstance(value, str) else ""
        raise ConfigError(key, f"{start}…", f"it has {len(value)} {unit}; allowed are {high} (limits.{limit})")
