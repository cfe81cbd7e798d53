"""``python -m pipeline.live``: dream without end in real time, to be played."""

import logging
import sys
from dataclasses import replace
from pathlib import Path

from pipeline.cli import own_settings
from pipeline.cli.main import launch
from pipeline.config import RenderConfig
from pipeline.errors import ConfigError
from pipeline.live.config import LiveConfig
from pipeline.plan.shot_list import entries, name_errors, shot_config
from pipeline.runtime.interrupt import postponed

log = logging.getLogger("pipeline.live")  # also when this file is the program

PREFIX = "live."
USAGE = """\
Dreams without end, in real time, and serves a page on this machine on which you play: zoom, strength, targets. What you
play is recorded, and python -m pipeline.render from=session.yaml renders it at any size. Ctrl-C ends it.

    python -m pipeline.live
    python -m pipeline.live preset=fractal_zoom live.fps=15
    python -m pipeline.live preset=portrait start.path=photo.jpg live.size=320x180 live.osc=9000
    python -m pipeline.live preset=footage source=camera

output=evening.yaml names the session (without it, session.yaml in the run's folder under outputs/). Settings of the
live session (setting=value; [default]):

{own}

All other settings are those of python -m pipeline.render; frame.width and frame.height give the picture's shape.

{{settings}}
"""


def main() -> None:
    """Play the dream that the command line describes and exit as ``python -m pipeline.render`` does."""
    own, sys.argv[1:] = own_settings.split(sys.argv[1:], LiveConfig(), PREFIX)

    def job(config: RenderConfig, folder: Path, name: str) -> None:
        live = own_settings.parse(own, LiveConfig(), PREFIX)
        check(config)
        config = first_shot(config)
        with postponed():
            from pipeline.live import session_setup

        session_setup.play(config, live, folder, name)

    launch(job, USAGE.format(own=own_settings.table(LiveConfig(), PREFIX)))


def first_shot(config: RenderConfig) -> RenderConfig:
    """The settings of a film's first shot, which plays without end; those of a film without shots as they are."""
    if not config.film:
        return config
    key, entry = next(entries(config))
    if isinstance(config.film, str):  # auto: the music decides how long its shots are
        entry = {name: value for name, value in entry.items() if name != "duration"}
        config = replace(config, duration=None)
    log.info("film: its first shot plays, without end; presets of others are scenes on the page")
    with name_errors(key):
        return shot_config(config, entry)


def check(config: RenderConfig) -> None:
    """Raise ConfigError for what cannot be played live."""
    if config.loop:
        raise ConfigError("loop", "true", "a live session has no end that could meet its beginning")
    if config.output is not None and Path(config.output).suffix.lower() not in (".yaml", ".yml"):
        raise ConfigError("output", config.output, "a live session is recorded in a .yaml file")


if __name__ == "__main__":
    main()
