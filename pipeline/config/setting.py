"""A setting: default, meaning, unit and range. Iterates over settings and checks them."""

import math
from collections.abc import Iterator
from dataclasses import Field, field, fields, is_dataclass
from typing import Any, get_origin

from pipeline.config.renamed import typed_name
from pipeline.errors import ConfigError, nearest


def option(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    curve: bool = False,
    usual: tuple[float, float] | None = None,
) -> Any:
    """A dataclass field with its meaning and unit (``help``), its range or its choices.

    ``curve``: the value may be keyframes or an expression in time; ``usual`` is the range of its slider in a live
    session, if that is not the whole one.
    """
    metadata = {"help": help, "low": low, "high": high, "choices": choices, "curve": curve, "usual": usual}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def settings(config: Any, prefix: str = "") -> Iterator[tuple[str, "Field[Any]", Any]]:
    """(dotted key, dataclass field, value) of every setting of ``config``, depth first."""
    for item in fields(config):
        value, key = getattr(config, item.name), prefix + item.name
        if is_dataclass(value):
            yield from settings(value, key + ".")
        else:
            yield key, item, value


def check_settings(config: Any) -> None:
    """Check every setting's kind, range and choices. Raises ConfigError."""
    for name, item, value in settings(config):
        key = typed_name(name)
        choices = item.metadata["choices"]
        # A reference brings any type with it, and a setting without a type takes any.
        if get_origin(item.type) is list and not isinstance(value, list):
            raise ConfigError(key, value, f"needs a list: {item.metadata['help']}")
        if item.metadata["curve"] and get_origin(item.type) is not list and isinstance(value, list | dict):
            raise ConfigError(key, value, "needs a number, keyframes or an expression in t")
        for word in value if isinstance(value, list) else [value]:
            if choices and word not in choices:
                raise ConfigError(key, word, f"allowed are {', '.join(choices)}{nearest(str(word), choices)}")
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, int | float) and not isinstance(number, bool):
                check_range(key, number, item.metadata["low"], item.metadata["high"])


def check_range(key: str, value: float, low: float | None, high: float | None) -> None:
    """Raise ConfigError unless the value is a finite number and low ≤ value ≤ high (None: no bound)."""
    if not math.isfinite(value):
        raise ConfigError(key, value, "needs a finite number")
    if (low is not None and value < low) or (high is not None and value > high):
        raise ConfigError(key, value, f"allowed is {low:g} to {high:g}" if high is not None else f"at least {low:g}")
