"""Hours and waste of a film on a farm, by discrete-event simulation.

    python scripts/farm_costs.py --frames 4320 --shots 36 --seconds 20

What is simulated: each shot is a task; a worker first starts (``--start`` seconds: the program and its network), then
renders segment after segment. A finished segment and the canvas after it travel to the joining machine, whose one
network connection serves them in turn, while the worker renders on. Workers fail at random (``--failures`` per hour and
worker, an exponential distribution) and come back after ``--repair`` seconds; what the task has not handed over is
rendered again, from its last segment that arrived, by the next free worker. The join is one pass over all frames.

"lost" is work on segments that never arrived. "waiting" are starts, repairs, and workers without a task until the film
is joined.
"""

import argparse
import heapq
import random
from collections import deque
from dataclasses import dataclass


@dataclass
class Case:
    """A film and a farm; times in seconds, sizes in megabytes."""

    workers: int
    frames: int
    shots: int
    seconds: float
    segment: int
    megabytes: float
    network: float
    failures: float
    repair: float
    start: float
    join: float
    seed: int = 0


@dataclass
class Costs:
    """``hours`` until the film is joined; of the workers' hours, fractions ``useful``, ``lost`` and ``idle``."""

    hours: float
    useful: float
    lost: float
    idle: float
    failures: int


def simulate(case: Case) -> Costs:
    """Run the farm until every segment has arrived."""
    rng = random.Random(case.seed)
    base, extra = divmod(case.frames, case.shots)
    waiting = deque(base + (number < extra) for number in range(case.shots))  # frames left of each task
    events: list[tuple[float, int, int]] = []  # (time, order, worker) of a worker that is free
    for worker in range(case.workers):
        heapq.heappush(events, (0.0, worker, worker))
    order, now, useful, lost, failures = case.workers, 0.0, 0.0, 0.0, 0
    arrivals = list[tuple[float, float]]()  # (ready, seconds on the network) of each segment
    fails_at = [_failure(case, rng, 0.0) for _ in range(case.workers)]
    idle = list[int]()
    while events:
        now, _, worker = heapq.heappop(events)
        if fails_at[worker] <= now:
            fails_at[worker] = _failure(case, rng, now)
        if not waiting:
            idle.append(worker)
            continue
        left, at = waiting.popleft(), now + case.start
        failed = fails_at[worker]
        if at > failed:
            at, left_again = failed, left
        else:
            left_again = 0
            while left:
                count = min(case.segment, left)
                end = at + count * case.seconds
                if end > failed:
                    left_again = left
                    break
                arrivals.append((end, count * case.megabytes / case.network))
                at, left, useful = end, left - count, useful + count * case.seconds
        order += 1
        if left_again:
            failures += 1
            lost += failed - at
            waiting.append(left_again)
            heapq.heappush(events, (failed + case.repair, order, worker))
            while idle:  # somebody who waits takes it over when the failure shows
                order += 1
                heapq.heappush(events, (failed, order, idle.pop()))
        else:
            heapq.heappush(events, (at, order, worker))
    arrived = 0.0
    for ready, seconds in sorted(arrivals):
        arrived = max(arrived, ready) + seconds
    finish = arrived + case.frames * case.join
    whole = finish * case.workers
    return Costs(finish / 3600, useful / whole, lost / whole, 1 - (useful + lost) / whole, failures)


def _failure(case: Case, rng: random.Random, now: float) -> float:
    return now + (rng.expovariate(case.failures / 3600) if case.failures else float("inf"))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=4320, help="of the film [4320: three minutes at 24 a second]")
    parser.add_argument("--shots", type=int, default=36, help="tasks: shots, or chunks of footage [36]")
    parser.add_argument("--seconds", type=float, default=20.0, help="a frame takes on one worker [20]")
    parser.add_argument("--segment", type=int, default=48, help="frames of a segment [48]")
    parser.add_argument("--megabytes", type=float, default=2.6, help="of a frame on its way, canvas included [2.6]")
    parser.add_argument(
        "--network", type=float, default=100.0, help="megabytes a second into the joining machine [100]"
    )
    parser.add_argument("--failures", type=float, default=0.05, help="of a worker in an hour [0.05]")
    parser.add_argument("--repair", type=float, default=600.0, help="seconds until a failed worker is back [600]")
    parser.add_argument("--start", type=float, default=30.0, help="seconds before the first frame of a task [30]")
    parser.add_argument("--join", type=float, default=0.02, help="seconds a frame in the join [0.02]")
    parser.add_argument("--runs", type=int, default=20, help="simulations of each farm; the table has means [20]")
    given = vars(parser.parse_args())
    runs = given.pop("runs")
    print(f"{'GPUs':>6}{'hours':>9}{'GPU hours':>11}{'useful':>9}{'lost':>8}{'waiting':>9}{'failures':>10}")
    for workers in (1, 10, 100, 1000):
        costs = [simulate(Case(workers=workers, seed=seed, **given)) for seed in range(runs)]
        hours, useful, lost, idle, failures = (
            sum(getattr(each, name) for each in costs) / runs
            for name in ("hours", "useful", "lost", "idle", "failures")
        )
        print(
            f"{workers:>6}{hours:>9.2f}{hours * workers:>11.1f}{useful:>9.0%}{lost:>8.1%}{idle:>9.0%}{failures:>10.1f}"
        )


if __name__ == "__main__":
    main()
