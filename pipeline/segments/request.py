"""What was asked for, kept beside a film that grows, so that the same command finds it again."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.config import RenderConfig
from pipeline.runtime.files import write_json
from pipeline.segments.lock import is_held

FREE = (
    *("output", "overwrite", "resume", "keep_segments", "frames", "jobs", "limits", "preview", "shots"),
    "encode.patience",
)
"""Settings, or groups of them, of a run that make no difference to the film."""

NAME = "request.json"


def write(folder: Path, config: RenderConfig) -> None:
    """Keep what was asked for in the work folder. Raises OutputError."""
    write_json(folder / NAME, film_settings(config))


def find_unfinished(folder: Path, name: str, config: RenderConfig) -> Path | None:
    """The latest run's folder in which the film ``name`` of this config stopped; ``folder`` is a new run's.

    A run's folder is outputs/DAY/TIME, or outputs/sweeps/TIME/NUMBER for a film of a sweep, and only those of its own
    kind are looked at. None when there is none, or when the run's folder is one that was asked for.
    """
    above = folder.parent.parent
    if above.name != "outputs" and (above.parent.name, above.name) != ("outputs", "sweeps"):
        return None
    asked = json.loads(json.dumps(film_settings(config)))
    for path in sorted(above.glob(f"*/*/{name}.work/{NAME}"), reverse=True):
        finished = (path.parent / "film.json").exists()
        if not finished and _read(path) == asked and not is_held(path.with_name("lock")):
            return path.parent.parent
    return None


def film_settings(config: RenderConfig) -> dict[str, Any]:
    """Every setting that makes a difference to the film."""
    found = asdict(config)
    for key in FREE:
        group, _, name = key.rpartition(".")
        (found[group] if group else found).pop(name, None)
    for key, said in (("film", config.film), ("loop", config.loop), ("presets", isinstance(config.film, str))):
        if not said:  # of a film of one shot, which begins and ends
            del found[key]
    return found


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
