"""Makes the next batches in threads while the current one trains."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")

THREADS = 2
MAX_PENDING = 4
"""Items that are ready or in the making."""


def prefetch(make: Callable[[int], Item], steps: Iterable[int]) -> Iterator[Item]:
    """``make(step)`` for every step, in order, made in threads beforehand.

    ``make`` must depend on the step alone, so that the threads' timing changes nothing. Its exceptions are raised
    here, at their step.
    """
    pending: deque[Future[Item]] = deque()
    pool = ThreadPoolExecutor(THREADS, "prefetch")
    try:
        for step in steps:
            pending.append(pool.submit(make, step))
            if len(pending) >= MAX_PENDING:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
