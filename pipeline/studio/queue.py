"""The queue: films rendered one at a time in their order, sketches next to them. It survives a restart."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipeline.errors import OutputError, RenderError
from pipeline.runtime.files import write_json
from pipeline.studio import job_files, queue_file
from pipeline.studio.child_process import Child
from pipeline.studio.command import Checked, Words
from pipeline.studio.job import ENDED, RENDERS, SKETCHES, Job
from pipeline.studio.queue_row import row

MAX_JOBS = 500
DONE, INTERRUPTED = 0, 130
START_SECONDS = 5.0  # before the first frame, roughly
STOP_SECONDS = 120.0  # for the children to finish their frame when the studio ends


class Queue:
    """Starts children in two threads while it is entered: one film at a time, and one sketch at a time.

    ``on_hold``: no film starts. Every change is on disk before it is shown; if it cannot be, ``problem`` says why.
    Raises RenderError if the file of the queue is damaged or belongs to another studio.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(path.with_suffix(".lock"))
        self._changed = threading.Condition()
        self._children: dict[int, Child] = {}
        self._closing = False
        self.jobs: list[Job] = []
        self.on_hold, self.problem = False, ""
        self.speed = 0.0  # seconds per unit of work, of the last film
        self._next = 1
        self._load()
        self._lanes = [
            threading.Thread(target=self._run, args=(kinds,), name=f"studio {kinds[0]}", daemon=True)
            for kinds in (RENDERS, SKETCHES)
        ]

    def __enter__(self) -> "Queue":
        for lane in self._lanes:
            lane.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop the children as Ctrl-C does; they resume at the next start."""
        with self._changed:
            self._closing = True
            for job in self.jobs:
                if job.is_active:
                    job.next_state = "waiting" if job.state == "running" else job.next_state
                    self._stop(job)
            self._changed.notify_all()
        try:
            for lane in self._lanes:
                lane.join(STOP_SECONDS)
        finally:
            for child in list(self._children.values()):
                child.kill()
            self.release()

    def release(self) -> None:
        """Leave the file of the queue to another studio."""
        self._lock.release()

    def add(self, kind: str, words: Words, checked: Checked) -> Job:
        """Add a film or a sketch at the end. Raises RenderError if it is in the queue, or the queue is full."""
        with self._changed:
            if len(self.jobs) >= MAX_JOBS:
                raise RenderError(f"the queue has {MAX_JOBS} entries; remove some")
            if any((job.kind, job.words) == (kind, words) and job.state not in ENDED for job in self.jobs):
                raise RenderError("this film is in the queue already")
            job = job_files.new_job(self._next, kind, words, checked)
            if any(other.state not in ENDED and {*other.products} & {*job.products} for other in self.jobs):
                raise RenderError(f"output={checked.config.output}: a film in the queue has this name already")
            self._next += 1
            self.jobs.append(job)
            try:
                self._save()
            except Exception:
                self.jobs.remove(job)
                raise
        return job

    def act(self, number: int, action: str) -> None:
        """pause, resume, remove, up or down. Raises RenderError."""
        with self._changed:
            job = self.find(number)
            if action == "resume":
                if job.state in ("paused", "failed"):
                    job.state, job.message = "waiting", ""
            elif action in ("up", "down"):
                self._move(job, -1 if action == "up" else 1)
            elif action in ("pause", "remove"):
                job.next_state = "paused" if action == "pause" else ""
                if job.is_active:
                    self._stop(job)
                elif action == "remove":
                    self.jobs.remove(job)
                elif job.state == "waiting":
                    job.state = "paused"
            else:
                raise RenderError(f"{action[:40]}: the queue knows pause, resume, remove, up and down")
            self._save()

    def hold(self, on_hold: bool) -> None:
        """Let no film start, and stop the one that runs, until it is let go."""
        with self._changed:
            self.on_hold = on_hold
            for job in self.jobs:
                if on_hold and job.state == "running" and job.kind in RENDERS:
                    job.next_state = "waiting"
                    self._stop(job)
            self._save()

    def find(self, number: int) -> Job:
        """The entry of this number. Raises RenderError."""
        for job in self.jobs:
            if job.number == number:
                return job
        raise RenderError(f"{number}: the queue has no such entry")

    def needs(self, path: Path) -> bool:
        """Whether an entry that has not ended reads this file."""
        file = str(path.resolve())
        with self._changed:
            return any(file in job.inputs for job in self.jobs if job.state not in ENDED)

    @property
    def is_rendering(self) -> bool:
        """Whether a film is being rendered."""
        return any(job.is_active and job.kind in RENDERS for job in self.jobs)

    def child(self, number: int) -> Child | None:
        """Its process, while it runs."""
        return self._children.get(number)

    def estimate(self, checked: Checked) -> float | None:
        """The seconds that a film will take here, roughly; None before one was rendered."""
        return START_SECONDS + self.speed * checked.work if self.speed else None

    def as_data(self) -> dict[str, Any]:
        """What the page shows: entries with their progress, and the seconds that all films will take."""
        with self._changed:
            jobs, speed = list(self.jobs), self.speed
        rows, left = [], 0.0
        for job in jobs:
            child = self.child(job.number)
            progress = child.progress() if child else {}
            own = None if job.kind in SKETCHES or job.state in ENDED else progress.get("left")
            if own is None and job.kind in RENDERS and speed and job.state not in ENDED:
                own = max(0.0, START_SECONDS + speed * job.work - job.seconds)
            left += own or 0.0 if job.state != "paused" else 0.0
            rows.append({**row(job, child, progress), "left": own})
        return {"jobs": rows, "on_hold": self.on_hold, "left": left, "problem": self.problem}

    def _move(self, job: Job, by: int) -> None:
        """Change places with the next entry of its kind that waits too."""
        at = self.jobs.index(job)
        order = range(at + 1, len(self.jobs)) if by > 0 else range(at - 1, -1, -1)
        other = next((n for n in order if self.jobs[n].kind == job.kind and self.jobs[n].state not in ENDED), None)
        if other is not None:
            self.jobs[at], self.jobs[other] = self.jobs[other], self.jobs[at]

    def _stop(self, job: Job) -> None:
        job.state = "stopping"
        child = self._children.get(job.number)
        if child is not None:
            child.stop()

    def _run(self, kinds: Sequence[str]) -> None:
        """A thread: run the first entry that waits, again and again."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._waiting(kinds) is not None)
                job = self._waiting(kinds)
                if self._closing or job is None:
                    return
                try:
                    child = self._children[job.number] = Child(job.kind, job.words, job.folder)
                except (OSError, ValueError) as error:  # ValueError: a null byte
                    reason = getattr(error, "strerror", None) or error
                    job.state, job.message = "failed", f"its process cannot start: {reason}"
                    self._save()
                    continue
                job.started = job.started or time.time()
                job.state, job.next_state, job.message, job.pid = "running", "paused", "", child.pid
                self._save()
            code = child.wait()
            with self._changed:
                del self._children[job.number]
                job.seconds += child.seconds
                self._ended(job, child, code)
                self._save()

    def _waiting(self, kinds: Sequence[str]) -> Job | None:
        if self.on_hold and kinds == RENDERS:
            return None
        return next((job for job in self.jobs if job.kind in kinds and job.state == "waiting"), None)

    def _ended(self, job: Job, child: Child, code: int) -> None:
        was_stopped, job.pid = job.state == "stopping", 0
        job.message = child.last_message.removeprefix("error: ")
        if code == DONE:
            job.state, job.files = "done", child.files
            job.message = ""
            rate = child.rate or (job.frames / job.seconds if job.seconds else 0.0)
            if job.kind in RENDERS and job.work and rate:
                self.speed = job.frames / rate / job.work
        elif code == INTERRUPTED or was_stopped:
            job.state = job.next_state or "paused"
        else:
            job.state = "failed"
            if code < 0:
                job.message = f"its process was ended by signal {-code}; Resume continues it"
        if was_stopped and not job.next_state and job in self.jobs:
            self.jobs.remove(job)

    def _save(self) -> None:
        """Write the queue and wake the threads."""
        data = {"next": self._next, "on_hold": self.on_hold, "speed": self.speed}
        try:
            write_json(self._path, data | {"jobs": [job.as_data() for job in self.jobs]}, indent=1)
            self.problem = ""
        except OutputError as error:  # the films render all the same
            self.problem = f"the queue is not stored: {error}"
        self._changed.notify_all()

    def _load(self) -> None:
        """Read the queue, unless another studio uses it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise RenderError(f"another studio uses {self._path.parent}; give studio.folder= another one") from None
        if not self._path.exists():
            return
        try:
            self.jobs, self._next, self.on_hold, self.speed = queue_file.load(self._path)
        except RenderError:
            self.release()
            raise
