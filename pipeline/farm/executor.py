"""Runs tasks and gives their results as they come. What runs them is chosen by ``engine=``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol


@dataclass(frozen=True)
class Parcel:
    """Plain data that travels: ``data`` is JSON, ``blobs`` are bytes by name. Nothing in it is code."""

    data: Mapping[str, Any] = field(default_factory=dict)
    blobs: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """A piece of work that depends on no other task.

    ``here`` does it in this process and yields its results. ``pack`` describes it for a worker, which runs
    ``pipeline.farm.worker``; it is called for each try, so that a second one leaves out what is finished. A worker
    needs ``files``: path → SHA-256. ``fault`` says what is wrong with a result that travelled.
    """

    name: str
    here: Callable[[], Iterator[Parcel]]
    pack: Callable[[], Parcel] = Parcel
    files: Mapping[Path, str] = field(default_factory=dict)
    fault: Callable[[Parcel], str] = lambda result: ""


class Executor(Protocol):
    """Runs tasks in any order."""

    def map(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Parcel]]:
        """(task, result) for every result of every task, as they come. Raises RenderError kinds and Interrupted."""


class LocalExecutor:
    """Runs tasks on this machine: one after the other, or several at a time in threads, which start processes."""

    def __init__(self, slots: int = 1) -> None:
        self._slots = slots

    def map(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Parcel]]:
        """(task, result) as they come; the first error ends it, once the tasks that run have ended."""
        if self._slots == 1:
            for task in tasks:
                yield from ((task, result) for result in task.here())
            return
        results = SimpleQueue[tuple[Task, Parcel] | None]()

        def run(task: Task) -> None:
            try:
                for result in task.here():
                    results.put((task, result))
            finally:
                results.put(None)

        with ThreadPoolExecutor(self._slots) as pool:
            futures = [pool.submit(run, task) for task in tasks]
            for _ in futures:
                while (result := results.get()) is not None:
                    yield result
        for future in futures:
            future.result()
