"""What ``export=FILE`` of ``python -m pipeline.score`` writes, by the ending of the file's name."""

from collections.abc import Callable

from pipeline.errors import ConfigError
from pipeline.plan import camera_export, edit_export
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.score_data import ScoreFrames, as_shown

EXPORTS: dict[str, Callable[[FilmPlan, ScoreFrames], str]] = {
    ".camera.csv": camera_export.as_csv,
    ".camera.jsx": camera_export.as_after_effects,
    ".camera.py": camera_export.as_blender,
    ".otio": lambda plan, score: edit_export.as_otio(plan),
    ".edl": lambda plan, score: edit_export.as_edl(plan),
    ".csv": lambda plan, score: edit_export.as_csv(plan),
    ".json": lambda plan, score: as_shown(score, plan).as_json(),
}
"""Ending → what it writes; the first one that fits counts."""


def check(file: str) -> None:
    """Raise ConfigError for a name whose ending says nothing."""
    if not file:
        raise ConfigError("export", "", "name a file, such as export=score.json")
    if not file.lower().endswith(tuple(EXPORTS)):
        raise ConfigError("export", file, f"its name needs one of the endings {', '.join(EXPORTS)}")


def text(file: str, plan: FilmPlan, score: ScoreFrames) -> str:
    """The content of the file. ``score`` is that of the film as it is dreamed; what is written is as it is shown."""
    return next(write for ending, write in EXPORTS.items() if file.lower().endswith(ending))(plan, score)
