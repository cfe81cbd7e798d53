"""Settings that had, or have, another name. Old names are still read, with a note."""

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
    "farm.run_in": "farm.pre_roll",
    "score.draw": "score.random_channels",
    "network.targets": "network.default_targets",
    "audio.offset": "audio.downbeat",
}
SHORT = {"preview": "preview.on"}
SHORT |= {f"film.{name}": f"playback.{name}" for name in ("reverse", "pingpong", "speed")}
"""What is typed → the setting; ``film`` itself is the list of shots."""
MASK_WORDS = ("none", "motion", "still", "luma")
"""What ``dream.mask`` can be; anything else is a file, and short for ``mask.path``."""
REMOVED = ("dream.adaptive", "dream.thrift")  # in records of earlier versions


def current_key(key: str) -> str:
    """The name of a setting today. Notes an old one in the log."""
    if key in RENAMED:
        log.info(f"{key} is now {RENAMED[key]}", extra={"once": True})
    return RENAMED.get(key, key)


def typed_name(key: str) -> str:
    """The name of a setting as people type it."""
    return next((short for short, name in SHORT.items() if name == key), key)


def current_names(table: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    """A table of settings, nested or with dotted keys, with the names of today. Notes old ones in the log.

    A file in ``dream.mask`` becomes ``mask.path``.
    """
    result = {}
    for name, value in table.items():
        key = f"{prefix}{name}"
        value = current_names(value, f"{key}.") if isinstance(value, Mapping) else value
        result[current_key(key).removeprefix(prefix)] = value
    return result if prefix else _with_mask_path(result)


def _with_mask_path(table: dict[str, Any]) -> dict[str, Any]:
    dream = table.get("dream")
    for holder, key in ((table, "dream.mask"), (dream, "mask")):
        if isinstance(holder, dict) and is_mask_file(holder.get(key)):
            mask = table.get("mask")
            table["mask"] = {**(mask if isinstance(mask, Mapping) else {}), "path": holder.pop(key)}
    return table


def is_mask_file(value: Any) -> bool:
    """Whether this value of ``dream.mask`` names a file."""
    return isinstance(value, str) and value not in (*MASK_WORDS, "", "null")
