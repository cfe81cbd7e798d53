"""Presets inside a list of shots: each made into the plain settings that it stands for, by Hydra's own composition."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from pipeline.cli import safe_yaml
from pipeline.cli.sanitize import CONF
from pipeline.config import RenderConfig, settings
from pipeline.errors import ConfigError, nearest
from pipeline.plan.shot_list import OF_FILM, Entry, check_words, nested, over


def written_out(key: str, entry: Entry) -> dict[str, Any]:
    """The entry with its preset and its choices of groups (``camera: spiral``) as the settings that they decide.

    Raises ConfigError naming ``key``.
    """
    names = tuple({name.partition(".")[0] for name, _, _ in settings(RenderConfig())} - {*OF_FILM})
    check_words(key, entry, names)
    groups = {name: value for name, value in entry.items() if (CONF / str(name)).is_dir()}
    chosen = {name: value for name, value in groups.items() if isinstance(value, str)}
    for name, value in groups.items():
        if name not in chosen and (name == "preset" or not isinstance(value, Mapping)):
            raise ConfigError(f"{key}.{name}", value, f"allowed are {', '.join(_options(name))}")
    typed = nested({name: value for name, value in entry.items() if name not in chosen and name != "preset"})
    choices = tuple((name, _known(f"{key}.{name}", name, value)) for name, value in chosen.items())
    try:
        made = _open(_composed, choices) if choices else {}
    except ConfigError as error:
        raise ConfigError(f"{key}.{error.key}", error.value, error.allowed) from error
    shot = over(made, typed)
    return shot if "preset" not in chosen or "name" in shot else {"name": chosen["preset"], **shot}


def _known(key: str, group: str, name: str) -> str:
    """The name of a choice that is there."""
    options = _options(group)
    if name not in options:
        raise ConfigError(key, name, f"allowed are {', '.join(options)}{nearest(name, options)}")
    return name


def _options(group: str) -> list[str]:
    found: list[str] = _open(lambda: GlobalHydra.instance().config_loader().get_group_options(group))
    return found


@lru_cache(maxsize=256)
def _composed(choices: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """What the choices decide: what differs from a bare film, and what the groups that they choose from decide."""
    bare = _leaves(compose("config"))
    made = _leaves(compose("config", [f"{'+' if group == 'preset' else ''}{group}={name}" for group, name in choices]))
    if made.get("film") or made.get("loop"):
        raise ConfigError(
            "preset", dict(choices).get("preset"), "it is a whole film, which cannot be a shot of another"
        )
    groups = {group for group, _ in choices if group != "preset"}
    groups |= {group for kind, name in choices if kind == "preset" for group in _overridden(f"preset/{name}")}
    decided = {key for group in groups for key in _decided(group)}
    said = {key: value for key, value in made.items() if value != bare.get(key) or key in decided}
    return nested({key: value for key, value in said.items() if key.partition(".")[0] not in (*OF_FILM, "seed")})


def _leaves(tree: Any) -> dict[str, Any]:
    """Every setting of a composed tree by its dotted key, lists whole."""
    config = OmegaConf.to_object(tree)
    return {key: value for key, _, value in settings(config)}


def _overridden(path: str) -> Iterable[str]:
    """The groups that a file chooses from in its defaults."""
    loaded = GlobalHydra.instance().config_loader().repository.load_config(path)  # type: ignore[attr-defined]
    for default in (loaded.defaults_list or ()) if loaded else ():
        if getattr(default, "group", None):
            yield default.group.strip("/")


@lru_cache(maxsize=64)
def _decided(group: str) -> frozenset[str]:
    """The settings that any choice of a group decides."""
    keys = set[str]()
    for path in (CONF / group).glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        prefix = "" if re.search(r"^# @package _global_", text) else f"{group}."
        tree = OmegaConf.to_container(OmegaConf.create(text))
        for key, _ in safe_yaml.leaves(tree):
            if not key.startswith("defaults"):
                keys.add(f"{prefix}{key}")
    return frozenset(keys)


def _open(ask: Any, *arguments: Any) -> Any:
    """Ask Hydra, where it runs already or else with the program's own files. Raises RenderError."""
    if GlobalHydra.instance().is_initialized():
        return ask(*arguments)
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return ask(*arguments)
