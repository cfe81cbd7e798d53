"""engine=ray: tasks on a Ray cluster.

What travels is JSON and bytes. Workers hand segments back as they finish them; a task that goes wrong is packed again,
without what has arrived, and goes to another machine.
"""

import logging
import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipeline.config import RenderConfig
from pipeline.errors import DreamError, Interrupted
from pipeline.farm import ray_cluster, ray_worker
from pipeline.farm.executor import Parcel, Task
from pipeline.farm.ray_worker import packed, unpacked
from pipeline.runtime.interrupt import Stop

log = logging.getLogger(__name__)

MAX_TRIES = 3
POLL_SECONDS = 0.5
GPU_STEP = 0.05  # fractions of a GPU are rounded up to it
GPU_MARGIN = 1.15  # over the memory that was measured


@dataclass
class Job:
    """A task while it runs: where, since when it gave no sign, what went wrong so far."""

    task: Task
    node: str = ""
    host: str = ""
    pid: int = 0
    sign: float = field(default_factory=time.monotonic)
    fault: str = ""
    again: bool = False
    failures: list[str] = field(default_factory=list)
    avoided: set[str] = field(default_factory=set)
    inputs: dict[str, list[Any]] = field(default_factory=dict)


class RayExecutor:
    """Runs tasks on the workers of a cluster, or of a Ray that is started for this film; ``folder`` gets its token."""

    def __init__(self, config: RenderConfig, folder: Path, threads: int, device: str, stop: Stop) -> None:
        self._config, self._folder, self._stop = config, folder, stop
        self._cpus, self._device = config.farm.cpus or threads, device
        self._gpus = config.farm.gpus
        self._excluded: dict[str, str] = {}  # node → what is different there
        self._jobs: dict[Any, Job] = {}
        self._refs: dict[str, list[Any]] = {}

    def __enter__(self) -> Self:
        self._cluster = ray_cluster.connect(self._config.ray, self._folder)
        self._ray = self._cluster.ray
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cluster.close()

    def map(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Parcel]]:
        """(task, result) as they come. Raises DreamError for a task that failed three times, and Interrupted."""
        waiting = deque(Job(task) for task in tasks)
        try:
            while waiting or self._jobs:
                if self._stop.requested:
                    raise Interrupted
                while waiting and len(self._jobs) < self._capacity():
                    job = waiting.popleft()
                    self._jobs[self._submit(job)] = job
                ready, _ = self._ray.wait(list(self._jobs), num_returns=1, timeout=POLL_SECONDS)
                for generator in ready:
                    yield from self._advance(generator, waiting)
                self._end_hung(waiting)
        except self._ray.exceptions.RayError as error:
            raise DreamError(f"the Ray cluster does not answer any more ({_line(error)})") from error
        finally:
            for generator in self._jobs:
                with suppress(Exception):
                    self._ray.cancel(generator, force=True)
            self._jobs.clear()

    def _advance(self, generator: Any, waiting: "deque[Job]") -> Iterator[tuple[Task, Parcel]]:
        """Take the next result of a task, or its end."""
        job = self._jobs[generator]
        try:
            result = unpacked(self._ray.get(next(generator), timeout=self._config.farm.lease))
        except StopIteration:
            del self._jobs[generator]
            if job.again:
                job.again = False
                waiting.appendleft(job)
            elif job.fault:
                self._fail(job, job.fault, waiting)
            return
        except self._ray.exceptions.RayError as error:
            del self._jobs[generator]
            with suppress(Exception):
                self._ray.cancel(generator, force=True)
            self._crashed(job, error, waiting)
            return
        job.sign, data = time.monotonic(), result.data
        if "node" in data:
            job.node, job.host, job.pid = data["node"], data["host"], data["pid"]
        elif "missing" in data:
            job.inputs, job.again = {sha256: self._put(job.task, sha256) for sha256 in data["missing"]}, True
        elif "different" in data:
            self._exclude(job, data)
        elif "error" in data:
            job.fault = data["error"]
        elif fault := job.task.fault(result):
            job.fault = fault
            self._ray.cancel(generator, force=True)
        else:
            if "pulse" not in data:
                job.failures.clear()
                self._measure(float(data.get("gpu", 0.0)))
            yield job.task, result

    def _submit(self, job: Job) -> Any:
        """Start a try of the task; its results, a generator of Ray."""
        task = job.task.pack()
        job.node, job.host, job.fault, job.sign = "", "", "", time.monotonic()
        resources: dict[str, Any] = {"num_cpus": self._cpus, "max_retries": 0, "num_returns": "streaming"}
        if self._uses_gpus():
            resources["num_gpus"] = self._gpus or 1.0
        strategy = self._strategy(job)
        if strategy is not None:
            resources["scheduling_strategy"] = strategy
        return self._ray.remote(ray_worker.perform).options(**resources).remote(*packed(task), job.inputs)

    def _strategy(self, job: Job) -> Any:
        """The least busy node that may run the task; None for any."""
        nodes = self._cluster.nodes()
        allowed = [node for node in nodes if node not in self._excluded]
        if not allowed and nodes:
            words = "every worker is of another kind than this machine"
            remedy = "farm.mixed=true lets them render, with other bytes"
            raise DreamError(f"{words} ({next(iter(self._excluded.values()))}); {remedy}")
        if not self._excluded and not job.avoided:
            return None
        allowed = [node for node in allowed if node not in job.avoided] or allowed
        busy = [each.node for each in self._jobs.values()]
        return self._cluster.on_node(min(allowed, key=busy.count), strict=bool(self._excluded))

    def _uses_gpus(self) -> bool:
        return self._device not in ("cpu", "mps") and self._cluster.total("GPU") > 0

    def _capacity(self) -> int:
        """How many tasks run at a time, and one that waits. Raises RenderError if not even one can."""
        name, needed = ("GPU", self._gpus or 1.0) if self._uses_gpus() else ("CPU", float(self._cpus))
        total = self._cluster.total(name)
        if self._device == "cuda" and name != "GPU":
            raise DreamError("no worker has a GPU, as this machine has; farm.mixed=true renders on other devices too")
        if total and self._cpus > self._cluster.largest("CPU"):
            cores = f"{self._cluster.largest('CPU'):g} cores"
            raise DreamError(f"a task takes {self._cpus} cores (farm.cpus) and the largest worker has {cores}")
        return max(1, int(total / needed)) + 1

    def _measure(self, fraction: float) -> None:
        """Later tasks take as much of a GPU as this one's memory, unless farm.gpus says it."""
        if fraction and self._config.farm.gpus is None:
            self._gpus = gpu_share(fraction, self._gpus or 0.0)

    def _put(self, task: Task, sha256: str) -> list[Any]:
        """The content of an input in Ray's object store, in pieces; once for all tasks."""
        if sha256 not in self._refs:
            path = next(path for path, digest in task.files.items() if digest == sha256)
            with path.open("rb") as file:
                self._refs[sha256] = [self._ray.put(block) for block in iter(lambda: file.read(ray_worker.BLOCK), b"")]
        return self._refs[sha256]

    def _exclude(self, job: Job, data: Any) -> None:
        listed = "; ".join(data["different"][:4])
        if not data["is_machine"]:
            raise DreamError(f"{job.host} would render another film ({listed}): its version of the program differs")
        if job.node not in self._excluded:
            log.warning(f"{job.host} is of another kind and renders nothing ({listed})")
        self._excluded[job.node], job.again = listed, True

    def _crashed(self, job: Job, error: Exception, waiting: "deque[Job]") -> None:
        if job.fault:
            self._fail(job, job.fault, waiting)
        elif job.node and job.node not in self._cluster.nodes():
            log.warning(f"{job.host} is gone; {job.task.name} goes on elsewhere")
            waiting.append(job)
        else:
            self._fail(job, self._words(error), waiting)

    def _words(self, error: Exception) -> str:
        """Why a try ended without a result."""
        exceptions = self._ray.exceptions
        if isinstance(error, exceptions.OutOfMemoryError):
            return "memory ran out"
        if isinstance(error, exceptions.GetTimeoutError):
            return f"a result did not arrive in {self._config.farm.lease:g} seconds (farm.lease)"
        if isinstance(error, exceptions.RayTaskError):
            return f"a fault of the program ({type(error.cause).__name__}: {_line(error.cause)})"
        return "its process ended, killed or out of memory"

    def _fail(self, job: Job, sentence: str, waiting: "deque[Job]") -> None:
        """Try again elsewhere. Raises DreamError after three tries without a new segment."""
        where = job.host or "a worker"
        job.failures.append(where)
        job.avoided.add(job.node)
        if len(job.failures) >= MAX_TRIES:
            tries = f"{job.task.name} failed {MAX_TRIES} times, on {', '.join(job.failures)}"
            raise DreamError(f"{tries}: {sentence}")
        log.warning(f"{job.task.name} failed on {where}: {sentence}; it is tried again")
        waiting.append(job)

    def _end_hung(self, waiting: "deque[Job]") -> None:
        """Give up tasks without a sign of life for ``farm.lease`` seconds, and end their processes."""
        late = time.monotonic() - self._config.farm.lease
        for generator, job in [(g, job) for g, job in self._jobs.items() if job.node and job.sign < late]:
            del self._jobs[generator]
            with suppress(Exception):
                self._ray.cancel(generator, force=True)
            with suppress(Exception):
                self._cluster.end_process(job.node, job.pid)
            self._fail(job, f"no frame in {self._config.farm.lease:g} seconds (farm.lease)", waiting)


def gpu_share(fraction: float, before: float = 0.0) -> float:
    """The part of a GPU for tasks of which one took this ``fraction`` of its memory; no less than ``before``."""
    steps = math.ceil(round(fraction * GPU_MARGIN / GPU_STEP, 6))
    return max(before, min(1.0, round(steps * GPU_STEP, 6)))


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
