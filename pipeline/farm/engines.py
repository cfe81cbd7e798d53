"""Runs tasks with the engine of a config."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from pipeline.config import RenderConfig
from pipeline.errors import DreamError
from pipeline.farm.executor import Executor, LocalExecutor
from pipeline.farm.film_tasks import FilmTasks
from pipeline.farm.packing import worker_device
from pipeline.farm.ray_engine import RayExecutor
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
    ahead = Counter[str]()  # frames of open segments that are counted already

    def count(name: str, rendered: int, stored: int) -> None:
        new = rendered or max(0, stored - ahead[name])
        ahead[name] = max(0, ahead[name] + rendered - stored)
        for _ in range(new):
            progress.step(name)

    with open_executor(tasks.plan.config, tasks.device, stop, folder) as executor:
        for wave in tasks.waves():
            arrived = 0
            for task, result in executor.map(wave):
                stored = tasks.accept(result, listeners)
                count(task.name, int(result.data.get("pulse", 0)), stored)
                arrived += stored
            if isinstance(executor, ScriptExecutor):
                return
            if not arrived:
                raise DreamError(f"nothing arrived of {', '.join(task.name for task in wave)}")


@contextmanager
def open_executor(config: RenderConfig, device: str, stop: Stop, folder: Path | None = None) -> Iterator[Executor]:
    """The executor of ``engine=``; ``device`` is the kind of this machine's.

    ``folder`` is the work folder of a film; without one, as for a sheet, engine=script renders on this machine.
    """
    if config.engine == "ray":
        with TemporaryDirectory(prefix="dream-zoom-") as scratch:
            kind = worker_device(config, device)
            with RayExecutor(config, folder or Path(scratch), torch.get_num_threads(), kind, stop) as executor:
                yield executor
    else:
        yield ScriptExecutor(folder) if folder and config.engine == "script" else LocalExecutor()
