"""engine=script: tasks as folders, with a command that runs one of them and a command that joins the film."""

import json
import logging
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pipeline
from pipeline.errors import InputError, OutputError
from pipeline.farm.executor import Parcel, Task
from pipeline.runtime.files import write_bytes, write_json
from pipeline.segments.lock import is_held

log = logging.getLogger(__name__)

TASK_FILE, BLOBS = "task.json", "blobs"
TASKS_SCRIPT, JOIN_SCRIPT = "tasks.sh", "join.sh"


class ScriptExecutor:
    """Writes the tasks into the work ``folder``; batch jobs or people run them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    def map(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Parcel]]:
        """Write all tasks and the scripts. Gives no results: the next run collects them. Raises OutputError."""
        for number, task in enumerate(tasks, 1):
            write_task(self._folder / f"task-{number:03}", task.pack())
        if tasks:
            self._write(TASKS_SCRIPT, _tasks_script(self._folder, [task.name for task in tasks]))
            self._write(JOIN_SCRIPT, _join_script())
            names = self._folder / TASKS_SCRIPT, self._folder / JOIN_SCRIPT
            log.info(f"{len(tasks)} tasks: run sh {names[0]} 1 to {len(tasks)} in any order, then sh {names[1]}")
        return iter(())

    def _write(self, name: str, text: str) -> None:
        write_bytes(self._folder / name, text.encode(errors="surrogateescape"))


def task_folders(folder: Path) -> list[Path]:
    """The tasks in a work folder. Raises OutputError if one of them runs."""
    folders = sorted(path for path in folder.glob("task-*") if path.is_dir())
    for path in folders:
        if is_held(path / "lock") or ((path / "lock.json").exists() and not (path / "lock").exists()):
            raise OutputError(f"{path} is being rendered; wait for it or stop it, then give the same command again")
    return folders


def remove_tasks(folder: Path) -> None:
    """Delete the tasks and scripts of a work folder, once their segments are collected."""
    for path in task_folders(folder):
        shutil.rmtree(path, ignore_errors=True)
    for name in (TASKS_SCRIPT, JOIN_SCRIPT):
        (folder / name).unlink(missing_ok=True)


def write_task(folder: Path, task: Parcel) -> None:
    """Write a task into a folder of its own. Raises OutputError."""
    for name, content in task.blobs.items():
        path = folder / BLOBS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / TASK_FILE, task.data)


def read_task(folder: Path) -> Parcel:
    """The task in a folder. Raises InputError."""
    try:
        data: Any = json.loads((folder / TASK_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        words = "engine=script writes such folders, and the join removes them"
        raise InputError(f"{folder} holds no task ({words})") from error
    files = [path for path in (folder / BLOBS).rglob("*") if path.is_file()]
    return Parcel(data, {path.relative_to(folder / BLOBS).as_posix(): path.read_bytes() for path in files})


def _python() -> str:
    """The start of a command that runs this program's modules."""
    roots = [str(Path(pipeline.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    return f"env PYTHONPATH={shlex.quote(os.pathsep.join(filter(None, roots)))} {shlex.quote(sys.executable)}"


def _tasks_script(folder: Path, names: Sequence[str]) -> str:
    listed = "".join(f"#   {number}  {name}\n" for number, name in enumerate(names, 1))
    return f"""#!/bin/sh
# Runs one of {len(names)} tasks.
#   by hand: sh {TASKS_SCRIPT} 1
#   SLURM: sbatch --array=1-{len(names)} {TASKS_SCRIPT}
{listed}number=${{1:-${{SLURM_ARRAY_TASK_ID:?give the number of a task}}}}
cd {shlex.quote(str(Path.cwd()))} || exit 1
exec {_python()} -m pipeline.farm {shlex.quote(str(folder))}/"$(printf 'task-%03d' "$number")"
"""


def _join_script() -> str:
    """The command of this run on this machine: it collects what the tasks rendered, renders what is missing, joins."""
    words = sys.orig_argv[1:]
    if "pipeline.render" not in words:
        return "echo 'render the same film again with engine=local: that joins it'\n"
    words = [word for word in words if not word.lstrip("+").startswith("engine=")]
    command = shlex.join([*words, "engine=local"])
    return f"#!/bin/sh\ncd {shlex.quote(str(Path.cwd()))} || exit 1\nexec {_python()} {command}\n"
