"""Time, measured side by side: jobs take turns, and what counts is the median of the ratios of neighbours."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median


@dataclass(frozen=True)
class Took:
    """Seconds that a job took: by the clock, and of processor time, as ``processor_time`` has it."""

    wall: float
    cpu: float


def processor_time() -> float:
    """Seconds of processor time of this process with all its threads, and of the processes that it started.

    Those that still run, such as the encoder, count where the system tells (Linux), others when they have ended.
    """
    ended = getrusage(RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + sum(map(_spent, _children()))


def clock(job: Callable[[], object]) -> Took:
    """Do the job once."""
    wall, cpu = time.perf_counter(), processor_time()
    job()
    return Took(time.perf_counter() - wall, processor_time() - cpu)


def take_turns(jobs: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[Took]]:
    """Every job so many times, after one turn that does not count; each turn begins with another one."""
    names = list(jobs)
    for name in names:
        jobs[name]()
    found: dict[str, list[Took]] = {name: [] for name in names}
    for turn in range(repeats):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            found[name].append(clock(jobs[name]))
    return found


def several(job: Callable[[], object], times: int) -> Callable[[], None]:
    """The job so many times in one go."""

    def run() -> None:
        for _ in range(times):
            job()

    return run


def ratios(over: list[Took], under: list[Took]) -> tuple[float, float]:
    """The median ratio of wall times and that of processor times, turn by turn."""
    pairs = list(zip(over, under, strict=True))
    return median(a.wall / b.wall for a, b in pairs), median(a.cpu / max(b.cpu, 1e-9) for a, b in pairs)


def seconds(times: list[Took]) -> float:
    """The median wall time."""
    return median(each.wall for each in times)


def _children() -> set[int]:
    """The processes that this one started and that still run."""
    found: set[int] = set()
    for listed in Path("/proc/self/task").glob("*/children"):
        try:
            found.update(map(int, listed.read_text().split()))
        except OSError:  # a thread that has just ended; its children are listed under another
            continue
    return found


def _spent(process: int) -> float:
    """Seconds of processor time of another process: its clock, as Linux numbers it (``clock_getcpuclockid``)."""
    try:
        return time.clock_gettime((~process << 3) | 2)
    except OSError:  # it has ended
        return 0.0
