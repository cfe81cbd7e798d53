"""``python -m pipeline.score``: draw the score of a film before it is rendered."""

import logging
import sys
from pathlib import Path

from pipeline.cli import help
from pipeline.cli.main import launch
from pipeline.config import RenderConfig
from pipeline.errors import ConfigError
from pipeline.runtime.files import expand_home

log = logging.getLogger("pipeline")


def main() -> None:
    """Draw the score of the command line; exit codes as in ``python -m pipeline.render``."""
    own = [argument for argument in sys.argv[1:] if argument.startswith(("export=", "play="))]
    sys.argv[1:] = [argument for argument in sys.argv[1:] if argument not in own]
    words = dict(argument.split("=", 1) for argument in own)
    export = expand_home(words["export"]) if "export" in words else None

    def job(config: RenderConfig, folder: Path, name: str) -> None:
        if words.get("play", "false") not in ("true", "false"):
            raise ConfigError("play", words["play"], "allowed are true and false")
        draw(config, folder, name, export, play=words.get("play") == "true")

    launch(job, help.SCORE)


def draw(config: RenderConfig, folder: Path, name: str, export: str | None, *, play: bool = False) -> None:
    """Draw the score of the film ``name``, write it as data to the file ``export`` and, to ``play`` it, a video with
    clicks on its beats; print their paths.
    """
    from pipeline.plan import exports, play_beats, score_chart, score_data
    from pipeline.plan.planner import plan_film
    from pipeline.runtime import files

    if export is not None:
        exports.check(export)
    plan = plan_film(score_data.film_config(config), folder, name)
    for note in plan.notes:
        log.info(note)
    picture = score_data.chart_path(config, folder)
    files.check_writable(picture, overwrite=config.overwrite)
    if export is not None and Path(export).absolute() == picture.absolute():
        raise ConfigError("export", export, "the chart goes there; name another file")
    if export is not None:
        files.check_writable(Path(export), key="export=", overwrite=config.overwrite)
    video = play_beats.check(plan, picture) if play else None
    made = score_data.film_score(plan)
    files.write_bytes(picture, score_chart.as_png(score_data.as_shown(made, plan), plan.title))
    print(picture)  # noqa: T201 - the answer
    if export is not None:
        files.write_bytes(Path(export), exports.text(export, plan, made).encode())
        print(export)  # noqa: T201
    if video is not None:
        play_beats.write(plan, made, picture, video)
        print(video)  # noqa: T201


if __name__ == "__main__":
    main()
