"""How much of anything is taken for meant: what lies above is more likely a slip of the hand, or a trap."""

from collections.abc import Sized
from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option, settings
from pipeline.errors import ConfigError


@dataclass
class LimitsConfig:
    """Bounds on what is read and made; each may be raised."""

    hours: float = option(24.0, "length of a film", low=0.0, high=240)
    megapixels: float = option(140.0, "millions of pixels of a frame", low=0.0, high=268.5)
    picture_megapixels: float = option(200.0, "millions of pixels of a picture that is read", low=0.0, high=10_000)
    picture_mb: float = option(1000.0, "size of a picture's file, in millions of bytes", low=0.0, high=100_000)
    footage_gb: float = option(2000.0, "size of a video's file, in billions of bytes", low=0.0, high=1_000_000)
    weights_gb: float = option(16.0, "size of a file of weights, in billions of bytes", low=0.0, high=1000)
    entries: int = option(5000, "entries of a list: targets, keys, layers", low=1, high=1_000_000)
    text: int = option(20_000, "characters of one value", low=1, high=1_000_000)
    nesting: int = option(6, "lists and tables within each other in one setting", low=1, high=16)


def check_amounts(config: Any, limits: LimitsConfig) -> None:
    """Raise ConfigError, naming the limit, for a setting of ``config`` that holds too much."""
    for key, _, value in settings(config):
        _check(key, value, limits, 0)


def _check(key: str, value: object, limits: LimitsConfig, depth: int) -> None:
    if isinstance(value, str):
        _check_size(key, value, limits.text, "characters", "text")
    if not isinstance(value, list | dict):
        return
    if depth >= limits.nesting:
        raise ConfigError(key, "…", f"lists stand within each other at most {limits.nesting} deep (limits.nesting)")
    _check_size(key, value, limits.entries, "entries", "entries")
    for entry in [*value, *value.values()] if isinstance(value, dict) else value:
        _check(key, entry, limits, depth + 1)


def _check_size(key: str, value: Sized, most: int, what: str, limit: str) -> None:
    if len(value) > most:
        start = value[:40] if isinstance(value, str) else ""
        raise ConfigError(key, f"{start}…", f"it has {len(value)} {what}; allowed are {most} (limits.{limit})")
