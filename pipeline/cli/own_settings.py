"""The settings of one program, typed next to those of a render: ``layers=[stage4]``, ``live.fps=12``."""

from collections.abc import Sequence
from typing import Any, TypeVar

from omegaconf import OmegaConf

from pipeline.cli import help
from pipeline.config import settings
from pipeline.config.setting import check_settings
from pipeline.errors import ConfigError, nearest

Config = TypeVar("Config")
_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text"}


def split(arguments: Sequence[str], config: Any, prefix: str = "") -> tuple[list[str], list[str]]:
    """The arguments that are settings of ``config``, each name after ``prefix``, and the others."""
    names = {key for key, _, _ in settings(config)}
    own = [word for word in arguments if word.partition("=")[0] in names or (prefix and word.startswith(prefix))]
    return own, [word for word in arguments if word not in own]


def parse(arguments: Sequence[str], config: Config, prefix: str = "") -> Config:
    """``config`` with these settings. Raises ConfigError."""
    schema = OmegaConf.structured(config)
    items = {name: item for name, item, _ in settings(config)}
    for argument in arguments:
        written, _, text = argument.partition("=")
        key = written.removeprefix(prefix)
        if key not in items:
            raise ConfigError(written, text, f"there is no such setting{nearest(written, [prefix + n for n in items])}")
        item = items[key]
        needs = f"needs {_KINDS.get(_kind(item.type), 'a list')}: {item.metadata['help']}"
        if "$" in text:
            raise ConfigError(written, text, needs)
        try:
            value = _value(f"{key}={text}") if item.type is not Any else text
            is_list = isinstance(value, str) and _kind(item.type) == "list"
            schema[key] = [piece.strip() for piece in str(value).split(",")] if is_list else value
        except Exception as error:  # many kinds, of YAML and OmegaConf
            raise ConfigError(written, text, needs) from error
    result = OmegaConf.to_object(schema)
    assert isinstance(result, type(config))
    try:
        check_settings(result)
    except ConfigError as error:
        raise ConfigError(prefix + error.key, error.value, error.allowed) from error
    return result


def table(config: Any, prefix: str = "") -> str:
    """The rows of ``--help`` for these settings."""
    return help.table(help.row(prefix + key, item, value) for key, item, value in settings(config))


def _kind(type_: Any) -> str:
    if type_ in (int | None, float | None):
        return "int" if type_ == int | None else "float"
    return str(getattr(type_, "__name__", ""))


def _value(argument: str) -> object:
    """The text after the equals sign, parsed as YAML. Raises errors of the YAML parser."""
    tree = OmegaConf.to_container(OmegaConf.from_dotlist([argument]), resolve=False)
    assert isinstance(tree, dict)
    return next(iter(tree.values()))
