"""The command line of the atlas: its own settings and those of a render. No torch."""

from collections.abc import Sequence

from omegaconf import OmegaConf

from pipeline.atlas.config import AtlasConfig
from pipeline.cli import help
from pipeline.config import RenderConfig, settings
from pipeline.config.setting import check_settings
from pipeline.errors import ConfigError

PIXEL_SETTINGS = ("precondition", "exponent", "color_correlation", "fill", "tone_mean", "tone_contrast", "tone_rate")
"""The settings of ``dream.*`` that affect pixels, besides jitter."""

USAGE = """\
Draws a picture for every channel and class of a network: a sheet for each layer, and all of them in one page.

    python -m pipeline.atlas
    python -m pipeline.atlas layers=[stage4,classes] channels=0..63
    python -m pipeline.atlas network=googlenet layers=[inception4c] sample=24 diversity=3
    python -m pipeline.atlas blend=[stage4:3,class:owl]

Pictures stay in the cache folder and are not drawn again; Ctrl-C loses no finished picture. atlas.html is a single file
and opens from disk: a click on a picture copies its target.

Settings of the atlas (setting=value; [default]):

{own}

It also reads these settings of a render: network=, network.weights=, seed=, device=, precision=, overwrite=, output=
(the folder; without it the run's folder under outputs/), and of dream.* jitter, precondition, exponent, fill,
color_correlation and tone_*, and color.*.
"""


def split_arguments(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The atlas's own settings, and those of a render."""
    names = {key for key, _, _ in settings(AtlasConfig())}
    own = [argument for argument in arguments if argument.partition("=")[0] in names]
    return own, [argument for argument in arguments if argument not in own]


def parse(arguments: Sequence[str]) -> AtlasConfig:
    """Parse and check the atlas's own settings. Raises ConfigError."""
    kinds = {"int": "a whole number", "bool": "true or false", "str": "text"}
    schema = OmegaConf.structured(AtlasConfig)
    for argument in arguments:
        key, _, text = argument.partition("=")
        item = next(item for name, item, _ in settings(AtlasConfig()) if name == key)
        needs = f"needs {kinds.get(getattr(item.type, '__name__', ''), 'a list')}: {item.metadata['help']}"
        if "$" in text:
            raise ConfigError(key, text, needs)
        try:
            value = _value(argument) if key != "channels" else text
            is_list = isinstance(value, str) and getattr(item.type, "__name__", "") == "list"
            schema[key] = [piece.strip() for piece in str(value).split(",")] if is_list else value
        except Exception as error:  # many kinds, of YAML and OmegaConf
            raise ConfigError(key, text, needs) from error
    config = OmegaConf.to_object(schema)
    assert isinstance(config, AtlasConfig)
    check_settings(config)
    return config


def _value(argument: str) -> object:
    """The text after the equals sign, parsed as YAML. Raises errors of the YAML parser."""
    tree = OmegaConf.to_container(OmegaConf.from_dotlist([argument]), resolve=False)
    assert isinstance(tree, dict)
    return next(iter(tree.values()))


def check_constant(config: RenderConfig) -> None:
    """Raise ConfigError for a setting that moves in time."""
    used = {f"dream.{name}" for name in PIXEL_SETTINGS}
    for key, item, value in settings(config):
        is_used = key in used or key.startswith("color.")
        if is_used and item.metadata["curve"] and not isinstance(value, int | float):
            raise ConfigError(key, value, "an atlas has no time: give one number")


def usage() -> str:
    """The text of ``--help``."""
    return USAGE.format(own=help.table(help.row(*item) for item in settings(AtlasConfig())))
