"""``python -m pipeline.render``: compose the config, render, say where the video is.

torch is imported once the config has been found valid.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli import compose
from pipeline.cli.main import launch
from pipeline.config import RenderConfig
from pipeline.errors import Interrupted, RenderError

if TYPE_CHECKING:
    from pipeline.film import Film
    from pipeline.plan.shot_plan import Plan


def main() -> None:
    """Run what the command line asks for and exit with 0 (done), 1 (something to put right) or 130 (interrupted)."""
    launch(render, compose.USAGE, spread=True)


def render(config: RenderConfig, folder: Path, name: str) -> None:
    """Check what needs no torch, then make the film ``name`` in ``folder``, or at ``config.output``."""
    from pipeline.media.encode.codecs import check_output, standing
    from pipeline.plan.film_plan import plan_film
    from pipeline.plan.score import check_score
    from pipeline.runtime.files import check_place
    from pipeline.segments.request import unfinished
    from pipeline.segments.workdir import is_own

    if config.output is None and config.resume:
        folder = unfinished(folder, name, config) or folder

    def check(video: Path, *beside: Path) -> None:
        replaces = config.overwrite or is_own(standing(video, config.encode.codec))
        check_output(video, replaces, config.encode.codec)
        for path in beside:
            check_place(path, overwrite=replaces)

    plan = plan_film(config, folder, name, check)
    for shot in plan.shots or (plan,):
        if shot.config.score.kind != "walk":  # a walk may have to look at the network first
            check_score(shot)

    made = _film(plan)
    for path in made.files():
        print(path)  # noqa: T201 - the answer


def _film(plan: "Plan") -> "Film":
    """Render the film, with a live page where one is wanted."""
    from pipeline import film
    from pipeline.runtime.progress import heard_by

    if not plan.config.preview.wanted:
        return film.render(plan)
    try:
        from pipeline.preview.live import open_page
    except ModuleNotFoundError as error:
        raise RenderError(f"preview needs the package {error.name}: scripts/setup preview installs it") from error
    with ExitStack() as stack:
        page = open_page(plan, plan.config.preview, stack)
        stack.enter_context(heard_by(page.note))
        try:
            made = film.render(plan, (page,))
        except (RenderError, Interrupted) as error:
            page.ended(str(error))
            raise
        if made.poster is not None and made.video.is_file():
            page.segment(made.video, 0, plan.length)  # the segments are gone
        page.ended(f"done: {made.video}")
        return made


if __name__ == "__main__":
    main()
