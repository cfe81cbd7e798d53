"""The files that a film reads and makes. No torch."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from pipeline.cli import safe_yaml
from pipeline.config import RenderConfig
from pipeline.plan import score_data
from pipeline.plan.film_plan import FilmPlan
from pipeline.runtime.files import check_writable
from pipeline.studio.command import Checked, Words
from pipeline.studio.job import RENDERS, Job

CLOCK_SECONDS = 2.0  # by which a file system may round times
_IN_TARGET = re.compile(r"guide:(?:[\w.]+:)?([^\[{]+)|\{(?:not )?([^}]+)\}")


def new_job(number: int, kind: str, words: Words, checked: Checked) -> Job:
    """The entry of a film or a sketch. Raises RenderError if its ``output=`` exists, or cannot be written."""
    plan = checked.plan
    job = Job(number, kind, words, plan.title, plan.frames, float(plan.fps), plan.width, plan.height, checked.work)
    job.inputs = inputs(words, checked.config)
    if kind in RENDERS:
        job.folder = f"{datetime.now():outputs/%Y-%m-%d/%H-%M-%S}-{number}"
    job.products = products(kind, plan, job.folder)
    return job


def inputs(words: Sequence[str], config: RenderConfig) -> list[str]:
    """The absolute paths of the files that a command line reads, alternatives of its settings and presets included."""
    names = [str(value) for _, value in safe_yaml.leaves({**asdict(config), "output": None}) if value is not None]
    names += [name for word in words for name in _typed(word)]
    folder = next((word.partition("=")[2] for word in words if word.startswith("--config-dir=")), "")
    if folder:
        names += [f"{folder}/preset/{name}.yaml" for word in words if "preset=" in word for name in _typed(word)]
    names += [name for text in names for match in _IN_TARGET.findall(text) for name in match if name]
    return sorted({str(Path(name).resolve()) for name in names if _is_file(name)})


def products(kind: str, plan: FilmPlan, folder: str) -> list[str]:
    """The absolute paths of the files that a film makes in its folder, or at ``output=``; none of a sketch without.

    Raises RenderError if the user names one that is there already, or that cannot be written.
    """
    config = plan.request
    if kind in RENDERS:
        if config.output:
            from pipeline.segments.workdir import check_outputs

            check_outputs(plan.outputs, config)
        paths = [plan.outputs.film, plan.outputs.poster, plan.outputs.record]
        paths = paths if config.output else [Path(folder, path.name) for path in paths]
    else:
        paths = [score_data.chart_path(config, Path(), kind)] if config.output else []
        for path in paths:
            check_writable(path, overwrite=config.overwrite)
    return [str(path.absolute()) for path in paths]


def is_finished(paths: Sequence[str], started: float) -> bool:
    """Whether all these files are there, and were written since ``started``."""
    try:
        return bool(paths) and min(Path(path).stat().st_mtime for path in paths) >= started - CLOCK_SECONDS
    except OSError:
        return False


def _typed(word: str) -> Iterator[str]:
    """The alternatives of a setting, which may stand in quotes."""
    for text in word.partition("=")[2].split("|"):
        yield text.strip(" \"'")


def _is_file(name: str) -> bool:
    with suppress(OSError, ValueError):  # ValueError: no file can have such a name
        return Path(name).is_file()
    return False
