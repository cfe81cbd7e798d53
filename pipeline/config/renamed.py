"""Settings that had another name. Old names are still read, with a note."""

import logging
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)

RENAMED = {
    "dream.equalize": "dream.fill",
    "dream.colour": "dream.color_correlation",
    "dream.colour_correlation": "dream.color_correlation",
    "flow.ripen": "flow.warmup",
    "flow.light": "flow.keep_light",
    "encode.patience": "encode.stall_timeout",
}
REMOVED = ("dream.adaptive", "dream.thrift")  # in records of earlier versions


def current_key(key: str) -> str:
    """The name of a setting today. Notes an old one in the log."""
    if key in RENAMED:
        log.info(f"{key} is now {RENAMED[key]}", extra={"once": True})
    return RENAMED.get(key, key)


def current_names(table: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    """A table of settings, nested or with dotted keys, with the names of today. Notes old ones in the log."""
    result = {}
    for name, value in table.items():
        key = f"{prefix}{name}"
        value = current_names(value, f"{key}.") if isinstance(value, Mapping) else value
        result[current_key(key).removeprefix(prefix)] = value
    return result
