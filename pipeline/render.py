"""``python -m pipeline.render``: compose the config, render, say where the video is.

torch is imported once the config has been found valid.
"""

from pathlib import Path

from pipeline import command
from pipeline.config import RenderConfig
from pipeline.launch import launch


def main() -> None:
    """Run what the command line asks for and exit with 0 (done), 1 (something to put right) or 130 (interrupted)."""
    launch(render, command.USAGE)


def render(config: RenderConfig, folder: Path, name: str) -> None:
    """Check what needs no torch, then make the film ``name`` in ``folder``, or at ``config.output``."""
    from pipeline import sheet
    from pipeline.cut import plan_film
    from pipeline.media.codecs import check_output, standing
    from pipeline.media.files import check_place
    from pipeline.work.folder import is_own
    from pipeline.work.request import unfinished

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
            sheet.check_score(shot)

    from pipeline import film

    made = film.render(plan)
    for path in made.files():
        print(path)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
