"""``python -m pipeline.storyboard``: a sheet of sketched frames and an estimate, before the film is rendered."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pipeline.cli import own_settings
from pipeline.cli.main import launch
from pipeline.config import RenderConfig
from pipeline.errors import ConfigError
from pipeline.runtime.interrupt import postponed
from pipeline.storyboard.config import StoryboardConfig

USAGE = """\
Sketches a film: one sheet with small frames above the lanes of its score, and an estimate of time and size of the full
render on this machine.

    python -m pipeline.storyboard preset=fractal_zoom
    python -m pipeline.storyboard preset=spiral camera.zoom=1.3 output=spiral.png
    python -m pipeline.storyboard preset=triptych video=true

output=spiral.png names the sheet (without it storyboard.png in the run's folder under outputs/; of another file's name,
as in output=film.mp4, it makes film.mp4.storyboard.png). All other settings are those of python -m pipeline.render.
{own}

{{settings}}
"""


def main() -> None:
    """Sketch the film that the command line describes and exit as ``python -m pipeline.render`` does."""
    own, sys.argv[1:] = own_settings.split(sys.argv[1:], StoryboardConfig())
    launch(partial(draw, own), USAGE.format(own=own_settings.table(StoryboardConfig())))


def draw(own: Sequence[str], config: RenderConfig, folder: Path, name: str) -> None:
    """Write the storyboard of the film ``name`` to ``folder`` or ``config.output``; print its path and the estimate."""
    from pipeline.plan import score_data
    from pipeline.plan.planner import plan_film
    from pipeline.plan.score import check_score
    from pipeline.runtime import files

    is_video = own_settings.parse(own, StoryboardConfig()).video
    if config.loop or (config.film and not is_video):
        raise ConfigError(
            "film" if config.film else "loop",
            "…",
            "a storyboard is of one shot that begins and ends; video=true takes several",
        )
    path = score_data.chart_path(config, folder, "storyboard")
    path = path.with_suffix(".mp4") if is_video else path
    plan = plan_film(score_data.film_config(config), folder, name)
    files.check_writable(path, overwrite=config.overwrite)
    for shot in plan.shots:
        if shot.config.score.kind != "walk":  # may have to load the network first
            check_score(shot)

    with postponed():
        from pipeline.storyboard import animatic, storyboard

    if is_video:
        animatic.make(plan, path)
        print(path)  # noqa: T201 - the answer
        return
    estimate = storyboard.make(plan, path)
    print(path)  # noqa: T201 - the answer
    print(estimate)  # noqa: T201


if __name__ == "__main__":
    main()
