"""Presets in a list of shots: Hydra composes each, and the settings that it decides are written into the shot."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from pipeline.cli import network_file, safe_yaml
from pipeline.cli.arguments import in_order, normalise
from pipeline.cli.sanitize import CONF
from pipeline.config import RenderConfig, settings
from pipeline.config.renamed import current_names
from pipeline.errors import ConfigError, nearest
from pipeline.plan.shot_list import OF_FILM, Entry, check_words, nested, over


def expand(key: str, entry: Entry) -> dict[str, Any]:
    """The entry with its preset and its choices of groups (``camera: spiral``) as plain settings.

    Raises ConfigError, which names ``key``.
    """
    entry = network_file.expand_entry(current_names(entry))
    groups = {name.partition(".")[0] for name, _, _ in settings(RenderConfig())} | {"look", "move"}
    check_words(key, entry, tuple(groups - {*OF_FILM}))
    if GlobalHydra.instance().is_initialized():
        return _expand(key, entry)
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return _expand(key, entry)


def _expand(key: str, entry: Entry) -> dict[str, Any]:
    choices: dict[str, str] = {}
    for name, value in entry.items():
        if name != "preset" and (isinstance(value, Mapping) or not (CONF / str(name)).is_dir()):
            continue
        options = GlobalHydra.instance().config_loader().get_group_options(name)
        if value not in options:
            raise ConfigError(f"{key}.{name}", value, f"allowed are {', '.join(options)}{nearest(str(value), options)}")
        choices[name] = value
    try:
        below = _decided(tuple(choices.items())) if choices else {}
    except ConfigError as error:
        raise ConfigError(f"{key}.{error.key}", error.value, error.allowed) from error
    shot = over(below, nested({name: value for name, value in entry.items() if name not in choices}))
    return shot if "preset" not in choices or "name" in shot else {"name": choices["preset"], **shot}


@lru_cache(maxsize=256)
def _decided(choices: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """The settings of the choices: those that differ from a bare film, and those that any choice of a group sets."""
    bare = _values(compose("config"))
    values = _values(compose("config", in_order([normalise(f"{group}={name}") for group, name in choices])))
    if values.get("film") or values.get("loop"):
        preset = dict(choices).get("preset")
        raise ConfigError("preset", preset, "it is a whole film, which cannot be a shot of another")
    groups = {group for group, _ in choices if group != "preset"}
    for group, name in choices:
        groups |= _groups_of(f"preset/{name}") if group == "preset" else set()
    keys = {key for group in groups for key in _keys_of(group)}
    keys |= {key for key, value in values.items() if value != bare.get(key)}
    return nested(
        {key: values[key] for key in values if key in keys and key.partition(".")[0] not in (*OF_FILM, "seed")}
    )


def _values(tree: Any) -> dict[str, Any]:
    """Every setting of a composed tree by its dotted key, lists whole."""
    return {key: value for key, _, value in settings(OmegaConf.to_object(tree))}


def _groups_of(path: str) -> set[str]:
    """The groups that a file chooses from in its defaults."""
    file = GlobalHydra.instance().config_loader().repository.load_config(path)  # type: ignore[attr-defined]
    entries = (file.defaults_list or ()) if file else ()
    return {entry.group.strip("/") for entry in entries if getattr(entry, "group", None)}


@lru_cache(maxsize=64)
def _keys_of(group: str) -> frozenset[str]:
    """The settings that any choice of a group sets."""
    keys = set[str]()
    for path in (CONF / group).glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        prefix = "" if re.search(r"^# @package _global_", text) else f"{group}."
        leaves = safe_yaml.leaves(OmegaConf.to_container(OmegaConf.create(text)))
        keys |= {f"{prefix}{key}" for key, _ in leaves if not key.startswith("defaults")}
    return frozenset(keys)
