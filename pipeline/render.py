"""``python -m pipeline.render``: compose the config, render, print the paths of the files.

torch is imported only once the config is valid.
"""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli import help
from pipeline.cli.main import launch
from pipeline.config import RenderConfig
from pipeline.config.farm import ENGINES
from pipeline.errors import Interrupted, RenderError
from pipeline.runtime.interrupt import postponed

if TYPE_CHECKING:
    from pipeline.plan.film_plan import FilmPlan
    from pipeline.segments.join import FilmFiles
    from pipeline.segments.writer import FrameListener

log = logging.getLogger("pipeline.render")  # as a program this module is __main__


def main() -> None:
    """Run what the command line asks for and exit with 0 (done), 1 (something to put right) or 130 (interrupted)."""
    launch(render, help.RENDER, in_parallel=True, engines=ENGINES)


def render(config: RenderConfig, folder: Path, name: str) -> None:
    """Make the film ``name`` in ``folder``, or at ``config.output``, and print the paths of its files."""
    for path in make(config, folder, name):
        print(path)  # noqa: T201 - the answer


def make(config: RenderConfig, folder: Path, name: str, listeners: "Sequence[FrameListener]" = ()) -> Sequence[Path]:
    """Check what needs no torch, then make the film; the paths of its files, the film first.

    ``listeners`` follow the frames. Raises RenderError kinds, and Interrupted after Ctrl-C.
    """
    from pipeline.farm.ray_cluster import check_installed
    from pipeline.plan.output_paths import output_paths
    from pipeline.plan.planner import plan_film
    from pipeline.plan.score import check_score
    from pipeline.segments.request import find_finished, find_unfinished
    from pipeline.segments.workdir import check_outputs

    check_installed(config)
    if done := find_finished(config, output_paths(config, folder, name), folder):
        log.info(f"{done[0]} is finished already; overwrite=true renders it again")
        return done
    if config.output is None and config.resume:
        folder = find_unfinished(folder, name, config) or folder
    check_outputs(output_paths(config, folder, name), config)
    plan = plan_film(config, folder, name)
    for shot in plan.shots:
        if shot.config.score.kind != "walk":  # may have to load the network first
            check_score(shot)
    log.info(plan.summary)
    return _render(plan, listeners).existing()


def _render(plan: "FilmPlan", listeners: "Sequence[FrameListener]") -> "FilmFiles":
    """Render the film, with a live page if the config asks for one."""
    with postponed():
        from pipeline import film

    if not plan.config.preview.enabled:
        return film.render(plan, listeners)
    try:
        from pipeline.web.film_page import open_page
    except ModuleNotFoundError as error:
        raise RenderError(f"preview needs the package {error.name}: scripts/setup installs it") from error
    with ExitStack() as stack:
        page = open_page(plan, plan.config.preview, stack)
        try:
            result = film.render(plan, (page, *listeners))
        except (RenderError, Interrupted) as error:
            page.ended(str(error))
            raise
        if result.poster is not None and result.video.is_file():
            page.segment(result.video, 0, plan.shown_frames)  # the segments are gone
        page.ended(f"done: {result.video}")
        return result


if __name__ == "__main__":
    main()
