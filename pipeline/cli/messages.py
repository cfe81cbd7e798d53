"""Errors of Hydra and OmegaConf as one sentence each."""

import re

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import InterpolationResolutionError, OmegaConfBaseException, ValidationError

from pipeline.cli.sanitize import CONF
from pipeline.config import RenderConfig, settings
from pipeline.config.renamed import typed_name
from pipeline.errors import nearest
from pipeline.targets.layer_names import all_layers

FILE_SETTINGS = {
    "start": "start=image start.path",
    "source": "source=video source.path",
    "audio": "audio.path",
    "network": "network.weights",
    "score": "score=guided score.guide",
    "encode": "output",
}
"""How to name a file that somebody gave to a group."""
SIZES = ("size", "resolution", "dimensions")  # of a frame, in other programs
TYPES = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text", "list": "a list"}


def is_usage_error(error: BaseException) -> bool:
    """Whether Hydra or OmegaConf raised it over what the user wrote."""
    return isinstance(error, HydraException | OmegaConfBaseException)


def explain(error: BaseException) -> str:
    """What is wrong with the settings, in one sentence."""
    if isinstance(error, OverrideParseException):
        return f"{error.override}: this is not a setting; write key=value, and quote lists and blanks: 'key=[a,b]'"
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, name = str(error.missing_cfg_file).partition("/")
        names = [str(option) for option in error.options or []]
        if names:
            remedy = (
                f"; a file is named with {FILE_SETTINGS[group]}={name}"
                if "." in name and group in FILE_SETTINGS
                else ""
            )
            return f"{group}={name}: allowed are {', '.join(names)}{nearest(name, names)}{remedy}"
        return f"--config-name={error.missing_cfg_file}: --config-dir has no such file"
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OmegaConfBaseException):
        cause = cause.__cause__ or cause.__context__
    file = re.match(r"In '(.+)/([^/]*)': \w+ raised while composing config", str(error))
    where = f"{file.group(1)}={file.group(2)}: " if file else ""
    if isinstance(cause, ValidationError):
        value = "null" if cause.value is None else cause.value
        key = str(cause.full_key)
        return f"{where}{typed_name(key)}={value}: {_needs(key, str(value))}"
    if isinstance(cause, InterpolationResolutionError):
        return f"{where}{cause.full_key}: its reference leads nowhere, or back to itself"
    if cause is not None and cause.full_key:
        return where + unknown_setting(str(cause.full_key))
    return where + str(error).split("\n")[0]


def unknown_setting(key: str) -> str:
    """That there is no setting ``key``, with the nearest names."""
    if key in ("export", "play"):
        return f"{key}: a render has no such setting; python -m pipeline.score has it"
    last = key.rpartition(".")[2]
    names = [typed_name(name) for name, _, _ in settings(RenderConfig())]
    if last in SIZES:
        return f"{key}: there is no such setting (did you mean frame.width and frame.height?); --help all lists all"
    same_last = [name for name in names if name.rpartition(".")[2] == last]
    groups = [path.name for path in CONF.iterdir() if path.is_dir()]
    hint = f" (did you mean {' or '.join(same_last)}?)" if same_last else nearest(key, [*names, *groups])
    return f"{key}: there is no such setting{hint}; --help all lists all"


def _needs(key: str, value: str) -> str:
    for name, item, _ in settings(RenderConfig()):
        if name == re.sub(r"\[\d+\]", "", key):
            kind = re.match(r"\w+", str(getattr(item.type, "__name__", item.type)))
            if key.endswith((".targets", ".layers")):
                return f"needs a list: {key}=[{_as_target(value) if key.endswith('.targets') else value}]"
            return f"needs {TYPES.get(kind.group() if kind else '', 'another type')}: {item.metadata['help']}"
    return "this value does not fit"


def _as_target(value: str) -> str:
    """A word as people write it → the target that it most likely means."""
    is_layer = any(value.partition(":")[0] in layers.channels or value in layers.short for layers in all_layers())
    return value if ":" in value or is_layer else f"class:{value}"
