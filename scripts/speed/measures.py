"""The measurements: each takes a subject and gives its figures, ratios first."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from pipeline import heap
from pipeline.dream import pace
from pipeline.dream.objective import Objective
from pipeline.take import encoder as encoder_of
from scripts.speed.common_way import CommonWay, Way
from scripts.speed.subject import Subject, subject, wait
from scripts.speed.timing import ratios, seconds, take_turns

Figures = dict[str, Any]
SIDE = 1536  # of the square matrices whose product is the machine's rate


@contextmanager
def looping(of: Subject, folder: Path, *, warm: int = 0) -> Iterator[Callable[[], Tensor]]:
    """The whole loop of a film, score to encoder, one frame at a call."""
    plan, shot = of.plan, of.shot()
    path = folder / f"loop{len(list(folder.iterdir()))}.mp4"
    with encoder_of(plan, path, kept=False, planar=of.network.device.type == "cuda") as encoder:
        steps = shot.render(shot.canvas)

        def frame() -> Tensor:
            found = next(steps).frame
            encoder.write(found)
            return found

        for _ in range(warm):
            frame()
        yield frame


def several(job: Callable[[], object], times: int) -> Callable[[], None]:
    """The job so many times in one go."""

    def run() -> None:
        for _ in range(times):
            job()

    return run


def overhead(of: Subject, folder: Path, repeats: int, batch: int) -> Figures:
    """The whole loop, encoder included, over the bare passes of the same network at the same sizes and steps.

    Also how much of the machine's measured rate of matrix products the two reach.
    """
    bare, counted = of.bare(), of.bare(counting=True)
    with FlopCounterMode(display=False) as counter:
        counted()
    work = counter.get_total_flops()
    one = torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    one = one.to(of.network.device, of.network.precision)

    def product() -> None:
        for _ in range(4):
            one @ one
        wait(of.network.device)

    with looping(of, folder) as frame:
        jobs = {"loop": several(frame, batch), "bare": several(bare, batch), "product": product}
        times = take_turns(jobs, repeats)
    wall, cpu = ratios(times["loop"], times["bare"])
    rate = 4 * 2 * SIDE**3
    reached = [
        median((work * batch / t.wall) / (rate / p.wall) for t, p in zip(times[job], times["product"], strict=True))
        for job in ("loop", "bare")
    ]
    return {
        "precision": str(of.network.precision).removeprefix("torch."),
        "channels_last": of.network.channels_last,
        "overhead": wall,
        "overhead_cpu": cpu,
        "gemm_fraction": reached[0],
        "gemm_fraction_bare": reached[1],
        "seconds_per_frame": seconds(times["loop"]) / batch,
        "seconds_bare": seconds(times["bare"]) / batch,
        "gflop_per_frame": work / 1e9,
        "gemm_gflops": rate / seconds(times["product"]) / 1e9,
        "octaves": [list(size) for size in of.octaves()],
    }


def against_common_way(of: Subject, given: str, folder: Path, repeats: int) -> Figures:
    """The usual way's time over ours at its own octaves and steps."""
    way = Way()
    dream = replace(of.plan.config.dream, octaves=way.octaves, octave_ratio=way.ratio, steps=way.steps)
    plan = replace(of.plan, config=replace(of.plan.config, dream=dream), octaves=way.octaves)
    ours = replace(of, plan=plan)
    name, _, weights = given.partition("=")
    home = folder / f"common{len(list(folder.iterdir()))}"
    home.mkdir()
    theirs = CommonWay(name, weights, of.layer, of.size, home, way, of.channel)
    with looping(ours, folder) as frame:
        times = take_turns({"common": theirs.frame, "ours": frame, "bare": ours.bare()}, repeats)
    wall, cpu = ratios(times["common"], times["ours"])
    return {
        "common_way_equal_steps": wall,
        "common_way_equal_steps_cpu": cpu,
        "common_way_over_bare": ratios(times["common"], times["bare"])[0],
        "loop_over_bare": ratios(times["ours"], times["bare"])[0],
        "seconds_common_way": seconds(times["common"]),
        "seconds_ours": seconds(times["ours"]),
    }


def equal_activation(of: Subject, given: str, folder: Path, frames: int) -> Figures:
    """The usual way's time over ours for a zoom in which the target is seen as much.

    Both zoom from noise until they are warm. Of the usual way's numbers of steps the least that sees as much counts; if
    none does, the most, and ``reached`` says how much that is.
    """
    objective, name, weights = Objective(of.network), *given.partition("=")[::2]

    def seen(picture: Tensor) -> float:
        return objective.activation(picture.to(of.network.device), of.target)

    with looping(of, folder, warm=2 * frames) as frame:
        pictures: list[Tensor] = []
        times = take_turns({"ours": lambda: pictures.append(frame())}, frames)
    wanted, ours = median(map(seen, pictures)), seconds(times["ours"])
    figures: Figures = {"seconds_ours_warm": ours, "activation_ours": wanted}
    for steps in (1, 2, 4, 10):
        home = folder / f"equal{steps}-{len(list(folder.iterdir()))}"
        home.mkdir()
        theirs = CommonWay(name, weights, of.layer, of.size, home, Way(steps=steps), of.channel)
        several(theirs.frame, max(2, frames // 2))()
        times = take_turns({"theirs": theirs.frame}, 2)
        reached = seen(torch.from_numpy(theirs.picture.transpose(2, 0, 1).copy())[None])
        figures |= {"common_way_equal_activation": seconds(times["theirs"]) / ours}
        figures |= {"common_way_steps": steps, "reached": reached / wanted}
        if reached >= wanted:
            break
    return figures


def ways(of: Subject) -> Figures:
    """Milliseconds of a pass forward and back, as they are measured to choose how a network runs."""
    network, asked = of.network, list(product((torch.float32, torch.bfloat16), (False, True)))
    before = (network.device, network.precision, network.channels_last)
    layer = network.resolve(of.plan.config.network.layers[-1], "network.layers")
    times = pace.measure(network, layer, network.device, asked)
    network.to(*before)
    return {
        f"ms_{str(dtype).removeprefix('torch.')}{'_channels_last' * last}": 1000 * spent
        for (dtype, last), spent in times.items()
    }


def faults(frame: Callable[[], None]) -> Figures:
    """The pages that the system has to hand out for a frame of a film that has begun: the median of a few."""
    several(frame, 2)()
    told = [getrusage(RUSAGE_SELF).ru_minflt]
    for _ in range(5):
        frame()
        told.append(getrusage(RUSAGE_SELF).ru_minflt)
    return {"page_faults": median(after - before for before, after in pairwise(told))}


def scaling(name: str, folder: Path, device: str, repeats: int, base: tuple[int, int]) -> Figures:
    """How time and memory grow with pixels, steps and octaves: the exponent, 1 where they grow in proportion.

    With pixels both should; with steps and octaves of equal size only time. ``frames`` is the last third of a run over
    its first third.
    """
    twice = (2 * base[0], 2 * base[1])
    one = "dream.octaves=1"
    variants = {
        "pixels": (
            subject(name, base, folder, device=device, more=[one]),
            subject(name, twice, folder, device=device, more=[one]),
            4,
        ),
        "steps": (
            subject(name, base, folder, device=device, more=[one]),
            subject(name, base, folder, device=device, more=[one, "dream.steps=4"]),
            4,
        ),
        "octaves": (
            subject(name, base, folder, device=device, more=[one]),
            subject(name, base, folder, device=device, more=["dream.octaves=4", "dream.octave_ratio=1.05"]),
            sum((1 / 1.05**n) ** 2 for n in range(4)),
        ),
    }
    figures: Figures = {}
    for what, (less, more, factor) in variants.items():
        with looping(less, folder) as few, looping(more, folder) as many:
            times = take_turns({"less": few, "more": many}, repeats)
            peaks = [_peak(job) for job in (few, many)]
        grown = ratios(times["more"], times["less"])[0]
        figures[f"time_with_{what}"] = math.log(grown) / math.log(factor)
        if peaks[0]:
            figures[f"megabytes_with_{what}"] = [round(peak) for peak in peaks]
    with looping(subject(name, base, folder, device=device), folder) as frame:
        run = take_turns({"frame": frame}, 30)["frame"]
    figures["time_with_frames"] = seconds(run[20:]) / seconds(run[:10])
    return figures


def _peak(job: Callable[[], object]) -> float:
    """Megabytes that the job takes at its peak, on top of what there is; 0 where that cannot be told."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    try:
        heap.trim()  # what is kept for reuse would hide it
        reset.write_text("5")
        before = _status(status, "VmRSS")
        job()
        return _status(status, "VmHWM") - before
    except OSError:
        return 0.0


def _status(path: Path, name: str) -> float:
    (line,) = (line for line in path.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024
