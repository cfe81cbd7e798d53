"""Time, measured side by side: jobs take turns, and what counts is the median of the ratios of neighbours."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Took:
    """Seconds that a job took: by the clock, and of this process's processor time, over all its threads."""

    wall: float
    cpu: float


def clock(job: Callable[[], object]) -> Took:
    """Do the job once."""
    wall, cpu = time.perf_counter(), time.process_time()
    job()
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


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


def ratios(over: list[Took], under: list[Took]) -> tuple[float, float]:
    """The median ratio of wall times and that of processor times, turn by turn."""
    pairs = list(zip(over, under, strict=True))
    return median(a.wall / b.wall for a, b in pairs), median(a.cpu / max(b.cpu, 1e-9) for a, b in pairs)


def seconds(times: list[Took]) -> float:
    """The median wall time."""
    return median(each.wall for each in times)
