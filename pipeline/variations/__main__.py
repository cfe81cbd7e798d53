"""``python -m pipeline.variations``: a sheet of stills of films that differ in a few settings."""

import sys
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.cli import own_settings
from pipeline.cli.alternatives import check_count, command_words, sweep_arguments
from pipeline.cli.main import complain, launch_together
from pipeline.cli.sweep import FAILED, Film
from pipeline.errors import ConfigError, RenderError
from pipeline.runtime.interrupt import postponed
from pipeline.variations.config import VariationsConfig, still_seconds

USAGE = """\
Draws one sheet with a still of each film that you might render, and the command that renders it under each.

    python -m pipeline.variations preset=fractal_zoom seed=1..8 'score.targets=[block10]|[block12]'
    python -m pipeline.variations 'preset=spiral|breathing' 'look=fur|shells|birds' at=4s output=looks.png

Every setting may have alternatives, separated by |, and whole numbers may be a range, 1..8. All combinations are drawn,
at most 64. A still is the frame at a time of the film, sketched as in a storyboard. output=looks.png names the sheet
(without it variations.png in a folder under outputs/). All other settings are those of python -m pipeline.render.

Settings of the sheet (setting=value; [default]):

{own}

{{settings}}
"""


def main() -> None:
    """Draw the sheet that the command line describes and exit as ``python -m pipeline.render`` does."""
    own, rest = own_settings.split(sys.argv[1:], VariationsConfig())
    with TemporaryDirectory() as scratch:  # for the folders that Hydra makes, one for each film
        try:
            sys.argv[1:] = [*sweep_arguments(rest), f'hydra.sweep.dir="{scratch}"']
        except RenderError as error:
            complain(str(error))
            sys.exit(FAILED)
        launch_together(partial(draw, own), USAGE.format(own=own_settings.table(VariationsConfig())))


def draw(own: Sequence[str], films: Sequence[Film]) -> None:
    """Write a sheet with a still of each film, and print its path and the commands of the films."""
    from pipeline.farm.ray_cluster import check_installed
    from pipeline.plan import score_data
    from pipeline.plan.planner import plan_film
    from pipeline.plan.score import check_score
    from pipeline.runtime import files

    config = own_settings.parse(own, VariationsConfig())
    first = films[0]
    check_count(len(films))
    check_installed(first.config)
    variations = []
    for film in films:
        name = "film" if film.config.film else "loop" if film.config.loop else ""
        if name:
            raise ConfigError(name, "…", "a still is of one shot that begins and ends")
        if (film.config.output, film.config.overwrite) != (first.config.output, first.config.overwrite):
            raise ConfigError("output", film.config.output, "all stills are on one sheet, which has one name")
        if (film.config.engine, film.config.ray) != (first.config.engine, first.config.ray):
            raise ConfigError("engine", film.config.engine, "all stills of a sheet are drawn by one engine")
        plan = plan_film(score_data.film_config(film.config), film.folder, film.name)
        if film.config.score.kind != "walk":  # a walk may have to load the network first
            check_score(plan.shots[0])
        variations.append((plan, still_seconds(plan, config.at), command_words(film.arguments)))
    path = score_data.chart_path(
        first.config, Path(f"{datetime.now():outputs/%Y-%m-%d/%H-%M-%S}").absolute(), "variations"
    )
    files.check_writable(path, overwrite=first.config.overwrite)

    with postponed():
        from pipeline.variations import stills

    made = [stills.Variation(*each) for each in variations]
    stills.make(made, config.size, path)
    print(path, *(each.command for each in made), sep="\n")  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
