"""The command line of the atlas: its own settings and those of a render. No torch."""

from collections.abc import Sequence

from pipeline.atlas.config import AtlasConfig
from pipeline.cli import own_settings
from pipeline.config import RenderConfig, settings
from pipeline.errors import ConfigError

PIXEL_SETTINGS = ("precondition", "exponent", "color_correlation", "fill", "tone_mean", "tone_contrast", "tone_rate")
"""The settings of ``dream.*`` that affect pixels, besides jitter."""

USAGE = """\
Draws a picture for every channel and class of a network: a sheet for each layer, and all of them in one page.

    python -m pipeline.atlas
    python -m pipeline.atlas layers=[stage4,classes] channels=0..63
    python -m pipeline.atlas network=googlenet layers=[inception4c] sample=24 diversity=3
    python -m pipeline.atlas network=motifnet layers=[classes] via=imagine
    python -m pipeline.atlas blend=[stage4:3,class:owl]

Pictures stay in the cache folder and are not drawn again; Ctrl-C loses no finished picture. atlas.html is a single file
and opens from disk: a click on a picture copies its target.

Settings of the atlas (setting=value; [default]):

{own}

It also reads these settings of a render: network=, network.weights=, seed=, device=, precision=, overwrite=, output=
(the folder; without it the run's folder under outputs/), and of dream.* jitter, precondition, exponent, fill,
color_correlation and tone_*, and color.*. With via=imagine it reads imagine.weights=, imagine.model= and
imagine.truncation= instead of dream.*.
"""


def split_arguments(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The atlas's own settings, and those of a render."""
    return own_settings.split(arguments, AtlasConfig())


def parse(arguments: Sequence[str]) -> AtlasConfig:
    """Parse and check the atlas's own settings. Raises ConfigError."""
    return own_settings.parse(arguments, AtlasConfig())


def check_constant(config: RenderConfig) -> None:
    """Raise ConfigError for a setting that moves in time."""
    used = {f"dream.{name}" for name in PIXEL_SETTINGS}
    for key, item, value in settings(config):
        is_used = key in used or key.startswith("color.")
        if is_used and item.metadata["curve"] and not isinstance(value, int | float):
            raise ConfigError(key, value, "an atlas has no time: give one number")


def usage() -> str:
    """The text of ``--help``."""
    return USAGE.format(own=own_settings.table(AtlasConfig()))
