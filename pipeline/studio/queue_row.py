"""An entry of the queue as the page shows it."""

import shlex
from contextlib import suppress
from typing import Any

from pipeline.cli.arguments import command_line
from pipeline.studio.child_process import Child
from pipeline.studio.command import PROGRAMS, larger
from pipeline.studio.job import RENDERS, Job

PROGRESS = ("done", "frames", "rate", "label", "picture")
"""What the page of a film says about its progress."""


def row(job: Job, child: Child | None, progress: dict[str, Any]) -> dict[str, Any]:
    """An entry of the queue for the page; ``child`` is its process, if it runs, ``progress`` what that says."""
    bigger = larger(job.words, job.width * job.height) if job.kind in RENDERS else None
    return {
        "number": job.number,
        "kind": job.kind,
        "title": job.title,
        "state": job.state,
        "message": job.message,
        "words": job.words,
        "command": command_line(job.words, PROGRAMS[job.kind]),
        "frames": job.frames,
        "fps": job.fps,
        "size": [job.width, job.height],
        "seconds": round(job.seconds + (child.seconds if child else 0.0), 1),
        "files": job.files,
        "alternatives": [_settings_of(line) for line in job.files[1:]] if job.kind == "variations" else [],
        "larger": bigger[-1].partition("=")[2] if bigger else None,
        "progress": {key: progress[key] for key in PROGRESS if key in progress}
        | {"notes": list(child.notes) if child else []},
    }


def _settings_of(line: str) -> list[str]:
    """The settings of a command line that a sheet of variations printed; none if it cannot be read."""
    with suppress(ValueError):  # an open quote
        return shlex.split(line)[3:]
    return []
