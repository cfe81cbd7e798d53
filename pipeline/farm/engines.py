"""Renders the shots of a film with the engine of its config, other than on this machine."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.config import RenderConfig
from pipeline.farm.executor import Executor
from pipeline.farm.film_tasks import FilmTasks
from pipeline.farm.script import ScriptExecutor, remove_tasks, task_folders
from pipeline.runtime.interrupt import Stop
from pipeline.runtime.progress import Progress
from pipeline.segments.writer import FrameListener


def collect(tasks: FilmTasks, folder: Path) -> None:
    """Store the segments that commands of engine=script rendered. Raises OutputError if one of them runs."""
    for path in task_folders(folder):
        tasks.collect(path)
    remove_tasks(folder)


def render_elsewhere(
    tasks: FilmTasks, folder: Path, stop: Stop, listeners: Sequence[FrameListener], progress: Progress
) -> None:
    """Render all tasks, or write them for engine=script. Raises RenderError kinds and Interrupted."""
    with open_executor(tasks.plan.config, folder, stop) as executor:
        for wave in tasks.waves():
            for task, result in executor.map(wave):
                for _ in range(tasks.accept(result, listeners)):
                    progress.step(task.name)
            if isinstance(executor, ScriptExecutor):
                return


@contextmanager
def open_executor(config: RenderConfig, folder: Path, stop: Stop) -> Iterator[Executor]:
    """The executor of ``engine=`` for a film with this work folder."""
    yield ScriptExecutor(folder)
