"""What comes next is made while the present is at work."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Made = TypeVar("Made")

THREADS = 2
REACH = 4
"""How many are made or being made beforehand."""


def ahead(make: Callable[[int], Made], steps: Iterable[int]) -> Iterator[Made]:
    """``make(step)`` for every step, in order, made beforehand in threads.

    ``make`` may hang on nothing but the step, so that the threads' timing changes nothing. What it raises
    is raised here, at its step.
    """
    waiting: deque[Future[Made]] = deque()
    pool = ThreadPoolExecutor(THREADS, "ahead")
    try:
        for step in steps:
            waiting.append(pool.submit(make, step))
            if len(waiting) >= REACH:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
