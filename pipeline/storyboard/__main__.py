"""``python -m pipeline.storyboard``: see a film at one glance, and what it will take, before it is rendered."""

from pathlib import Path

from pipeline.cli.main import launch
from pipeline.config import RenderConfig
from pipeline.errors import ConfigError

USAGE = """\
Sketches a film: one sheet with frames of it, small and sparse, above the lanes of its score, and an estimate of what
the full render takes on this machine.

    python -m pipeline.storyboard +preset=fractal_zoom
    python -m pipeline.storyboard +preset=spiral camera.zoom=1.3 output=spiral.png

output=spiral.png names the sheet (without it storyboard.png in the run's folder under outputs/; of another file's name,
as in output=film.mp4, it makes film.storyboard.png). All other settings are those of python -m pipeline.render.

{settings}
"""


def main() -> None:
    """Sketch the film that the command line describes and exit as ``python -m pipeline.render`` does."""
    launch(draw, USAGE)


def draw(config: RenderConfig, folder: Path, name: str) -> None:
    """Sketch the film ``name`` onto one sheet in ``folder``, or at ``config.output``; say where it is."""
    from pipeline.plan import score_data
    from pipeline.plan.planner import plan_film
    from pipeline.plan.score import check_score
    from pipeline.runtime import files

    if config.film or config.loop:
        raise ConfigError("film" if config.film else "loop", "…", "a storyboard is of one shot that begins and ends")
    path = sheet_path(config, folder)
    plan = plan_film(score_data.film_config(config), folder, name)
    files.check_writable(path, overwrite=config.overwrite)
    if config.score.kind != "walk":  # a walk may have to look at the network first
        check_score(plan.shots[0])

    from pipeline.storyboard import storyboard

    estimate = storyboard.make(plan, path)
    print(path)  # noqa: T201 - the answer
    print(estimate)  # noqa: T201


def sheet_path(config: RenderConfig, folder: Path) -> Path:
    """Where the sheet goes: ``output=`` if that is a PNG, beside another ``output=``, or into the run's folder."""
    if config.output is None:
        return folder / "storyboard.png"
    output = Path(config.output)
    return output if output.suffix.lower() == ".png" else output.with_name(f"{output.stem}.storyboard.png")


if __name__ == "__main__":
    main()
