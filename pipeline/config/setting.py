"""A setting: its default, meaning, unit and range. Walks over settings and checks them one by one."""

from collections.abc import Iterator
from dataclasses import Field, field, fields, is_dataclass
from typing import Any

from pipeline.errors import ConfigError, nearest


def option(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    curve: bool = False,
) -> Any:
    """A dataclass field that knows what it means (``help``, with its unit) and what it may be."""
    metadata = {"help": help, "low": low, "high": high, "choices": choices, "curve": curve}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def settings(config: Any, prefix: str = "") -> Iterator[tuple[str, "Field[Any]", Any]]:
    """(dotted key, dataclass field, value) for every setting of ``config``, depth first."""
    for item in fields(config):
        value, key = getattr(config, item.name), prefix + item.name
        if is_dataclass(value):
            yield from settings(value, key + ".")
        else:
            yield key, item, value


def check_settings(config: Any) -> None:
    """Check every setting's range and choices; raises ConfigError naming the key, the value and what is allowed."""
    for key, item, value in settings(config):
        choices = item.metadata["choices"]
        if choices and value not in choices:
            allowed = f"allowed are {', '.join(choices)}"
            raise ConfigError(key, value, allowed + nearest(str(value), choices))
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, int | float) and not isinstance(number, bool):
                check_range(key, number, item.metadata["low"], item.metadata["high"])


def check_range(key: str, value: float, low: float | None, high: float | None) -> None:
    """Raise ConfigError unless low ≤ value ≤ high (None: open) and the value is a finite number."""
    if value != value or value in (float("inf"), float("-inf")):
        raise ConfigError(key, value, "needs a finite number")
    if (low is not None and value < low) or (high is not None and value > high):
        raise ConfigError(
            key,
            value,
            f"allowed is {low:g} to {high:g}" if high is not None else f"at least {low:g}",
        )
