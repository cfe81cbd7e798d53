"""Timing side by side: jobs take turns; ratios are medians over neighbouring turns."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median


@dataclass(frozen=True)
class Time:
    """Seconds of a job: wall-clock and processor time (``processor_time``)."""

    wall: float
    cpu: float


def processor_time() -> float:
    """Seconds of processor time of this process and of its children.

    Running children, such as the encoder, count on Linux only, others once they have ended.
    """
    ended = getrusage(RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + sum(map(_cpu_seconds, children()))


def clock(job: Callable[[], object]) -> Time:
    """The time of running the job once."""
    wall, cpu = time.perf_counter(), processor_time()
    job()
    return Time(time.perf_counter() - wall, processor_time() - cpu)


def take_turns(jobs: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[Time]]:
    """Run every job ``repeats`` times, after one turn that does not count; each turn begins with another job."""
    names = list(jobs)
    for name in names:
        jobs[name]()
    times: dict[str, list[Time]] = {name: [] for name in names}
    for turn in range(repeats):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            times[name].append(clock(jobs[name]))
    return times


def several(job: Callable[[], object], times: int) -> Callable[[], None]:
    """A job that runs this one ``times`` times."""

    def run() -> None:
        for _ in range(times):
            job()

    return run


def ratios(over: list[Time], under: list[Time]) -> tuple[float, float]:
    """The median ratio of wall times and that of processor times, turn by turn."""
    pairs = list(zip(over, under, strict=True))
    return median(a.wall / b.wall for a, b in pairs), median(a.cpu / max(b.cpu, 1e-9) for a, b in pairs)


def seconds(times: list[Time]) -> float:
    """The median wall time."""
    return median(each.wall for each in times)


def children() -> set[int]:
    """The running children of this process."""
    children: set[int] = set()
    for listed in Path("/proc/self/task").glob("*/children"):
        try:
            children.update(map(int, listed.read_text().split()))
        except OSError:  # a thread that has just ended; its children are listed under another
            continue
    return children


def _cpu_seconds(process: int) -> float:
    """Seconds of processor time of another process: its clock, as Linux numbers it (``clock_getcpuclockid``)."""
    try:
        return time.clock_gettime((~process << 3) | 2)
    except OSError:  # it has ended
        return 0.0
