"""The file of the queue: what it holds after the studio ended, or was killed."""

import json
from pathlib import Path

from pipeline.errors import RenderError
from pipeline.studio import job_files
from pipeline.studio.child_process import end_orphan
from pipeline.studio.job import RENDERS, Job


def load(path: Path) -> tuple[list[Job], int, bool, float]:
    """(entries, number of the next one, whether films are on_hold, speed). Processes that still run are ended first.

    Raises RenderError for a file that is no queue.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        jobs = [Job.from_data(each) for each in data["jobs"]]
        rest = int(data["next"]), bool(data["held" if "held" in data else "on_hold"]), float(data["speed"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RenderError(f"{path} cannot be read as a queue ({error}); move it away") from error
    return [job for job in jobs if not job.is_active or _survives(job)], *rest


def _survives(job: Job) -> bool:
    """Give an entry that ran the state that follows; False if it was being removed."""
    end_orphan(job.pid, job.kind, job.words)
    job.pid, next_state = 0, "waiting" if job.state == "running" else job.next_state
    if job.kind in RENDERS and job_files.is_finished(job.products, job.started):
        job.state, job.files = "done", job.products
    else:
        job.state = next_state
    return bool(next_state)
