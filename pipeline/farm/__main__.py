"""``python -m pipeline.farm FOLDER``: do one task that engine=script wrote. Its results stay in the folder."""

import logging
import sys
from pathlib import Path

from pipeline.errors import Interrupted, OutputError, RenderError
from pipeline.runtime.environment import use_passive_threads
from pipeline.runtime.interrupt import Stop, postponed
from pipeline.runtime.progress import NoteHandler, lossy_output, notes_to, one_line

log = logging.getLogger("pipeline.farm")

USAGE = "python -m pipeline.farm FOLDER: does a task that engine=script wrote, such as film.mp4.work/task-001"


def main() -> None:
    """Do the task and exit with 0 (done), 1 (something to put right) or 130 (interrupted)."""
    use_passive_threads()
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(USAGE)  # noqa: T201 - the answer
        sys.exit(len(sys.argv) != 2)
    with lossy_output(), notes_to(NoteHandler()):
        sys.exit(_exit_code(Path(sys.argv[1]).absolute()))


def do_task(folder: Path) -> None:
    """Render the segments of the task into its folder. Raises RenderError kinds and Interrupted."""
    with postponed():
        from pipeline.farm.script import read_task
        from pipeline.farm.worker import run
        from pipeline.segments.lock import RenderLock
    task = read_task(folder)
    with RenderLock(folder / "lock", folder), Stop() as stop:
        for result in run(task, folder, stop):
            if "missing" in result.data:
                raise OutputError(f"{len(result.data['missing'])} inputs of the film are not on this machine")
            if "different" in result.data:
                listed = "; ".join(result.data["different"][:6])
                advice = "; farm.mixed=true lets other machines render too" if result.data["is_machine"] else ""
                raise OutputError(f"this machine would render other frames ({listed}){advice}")
    log.info(f"{folder.name} is rendered")


def _exit_code(folder: Path) -> int:
    try:
        do_task(folder)
    except RenderError as error:
        print(one_line(f"error: {error}"), file=sys.stderr)  # noqa: T201 - errors belong here
        return 1
    except (Interrupted, KeyboardInterrupt):
        print("stopped; the same command resumes the task", file=sys.stderr)  # noqa: T201 - a stop is no error
        return 130
    return 0


if __name__ == "__main__":
    main()
