"""The measurements of one network: each takes a subject and returns figures, ratios first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, product
from math import ceil
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from typing import Any

import torch
from torch import Tensor

from pipeline.dream.network import Network
from pipeline.dream.weighted_objective import Objective
from scripts.benchmarks import roofline
from scripts.benchmarks.baseline import UsualProgram, UsualSettings
from scripts.benchmarks.frame_loop import Loop, looping
from scripts.benchmarks.roofline import Work
from scripts.benchmarks.timing import Time, clock, ratios, seconds, several, take_turns
from scripts.benchmarks.workload import Subject, subject

Figures = dict[str, Any]
MIN_BATCH_SECONDS = 0.25  # of bare passes in one batch
USUAL_STEPS = (1, 2, 4, 10)  # of the usual program in the comparison at equal activation
PASS_SIZE = 224, 298  # pixels of the picture on which precisions and layouts are compared
PASS_ROUNDS = 3
PASSES = 5  # in a row; other programs disturb the quickest least


def overhead(of: Subject, folder: Path, repeats: int, least: int) -> Figures:
    """The whole loop, encoder included, over the bare passes of the same network at the same sizes and steps.

    Also how near the two come to the machine's limits (``roof``). A batch has at least ``least`` frames, since nothing
    runs in parallel with the last one's encoding.
    """
    device, bare = of.network.device, of.bare()
    work = roofline.count(bare)
    batch = max(least, ceil(MIN_BATCH_SECONDS / clock(bare).wall))
    multiply, flops = roofline.products(device, of.network.precision)
    copy, moved = roofline.copies(device)
    with looping(of, folder, warm=1) as loop:
        whole = _of_a_frame(loop)
        jobs = {"loop": loop.batch(batch), "bare": several(bare, batch), "multiply": multiply, "copy": copy}
        times = take_turns(jobs, repeats)
    wall, cpu = ratios(times["loop"], times["bare"])
    return {
        "precision": str(of.network.precision).removeprefix("torch."),
        "channels_last": of.network.channels_last,
        "overhead": wall,
        "overhead_cpu": cpu,
        **_reached(times, batch, work, flops, moved),
        "seconds_per_frame": seconds(times["loop"]) / batch,
        "seconds_bare": seconds(times["bare"]) / batch,
        "budget": _budget(times, batch, work, flops, moved, on_cpu=device.type == "cpu"),
        "gflop_per_frame": work.flops / 1e9,
        "gbyte_per_frame": work.bytes / 1e9,
        "gbyte_of_the_loop": whole.bytes / 1e9,
        "frames_in_a_batch": batch,
        "octaves": [list(size) for size in of.octaves()],
    }


def _budget(
    times: dict[str, list[Time]], batch: int, work: Work, flops: int, moved: int, *, on_cpu: bool
) -> dict[str, float]:
    """Milliseconds of a frame: roof, bare passes and loop. The least of all turns, on a CPU of processor time."""
    least = {name: min(each.cpu if on_cpu else each.wall for each in turns) for name, turns in times.items()}
    roof = max(work.least(flops / least["multiply"], moved / least["copy"]))
    return {
        "milliseconds_roof": 1000 * roof,
        "milliseconds_bare": 1000 * least["bare"] / batch,
        "milliseconds_loop": 1000 * least["loop"] / batch,
    }


def budget_table(networks: Mapping[str, Figures]) -> str:
    """The budgets of all networks as a Markdown table."""
    lines = ["| milliseconds per frame | roof | bare passes | loop | loop / bare |", "|---|---|---|---|---|"]
    for name, figures in networks.items():
        if "budget" in figures:
            roof, bare, loop = figures["budget"].values()
            lines.append(f"| {name} | {roof:.0f} | {bare:.0f} | {loop:.0f} | {loop / bare:.2f} |")
    return "\n".join(lines)


def _of_a_frame(loop: Loop) -> Work:
    """What a frame of the loop computes and moves."""
    work = roofline.count(loop)
    loop.finish()
    return work


def _reached(times: dict[str, list[Time]], batch: int, work: Work, flops: int, moved: int) -> Figures:
    """The loop's and the bare passes' share of the machine's rate of products and of its roof, turn by turn."""
    shares: dict[str, list[float]] = {}
    for multiply, copy, *jobs in zip(*(times[name] for name in ("multiply", "copy", "loop", "bare")), strict=True):
        least = work.least(flops / multiply.wall, moved / copy.wall)
        for end, took in zip(("", "_bare"), jobs, strict=True):
            shares.setdefault(f"gemm_fraction{end}", []).append(least[0] * batch / took.wall)
            shares.setdefault(f"roof_fraction{end}", []).append(max(least) * batch / took.wall)
    rates = flops / seconds(times["multiply"]), moved / seconds(times["copy"])
    by_arithmetic, by_memory = work.least(*rates)
    return {
        **{name: median(values) for name, values in sorted(shares.items())},
        "gemm_gflops": rates[0] / 1e9,
        "memory_gbytes": rates[1] / 1e9,  # per second, read and written
        "seconds_by_arithmetic": by_arithmetic,
        "seconds_by_memory": by_memory,
    }


def against_common_way(of: Subject, folder: Path, repeats: int) -> Figures:
    """The usual program's time over ours on the same octaves, with its steps."""
    usual = UsualSettings()
    dream = replace(of.plan.config.dream, octaves=usual.octaves, octave_ratio=usual.ratio, steps=usual.steps)
    plan = replace(of.plan, config=replace(of.plan.config, dream=dream))
    ours = replace(of, plan=plan)
    theirs = UsualProgram(of, folder, usual, ours.octaves())
    with looping(ours, folder, warm=1) as loop:
        times = take_turns({"common": theirs.frame, "ours": loop.batch(1), "bare": ours.bare()}, repeats)
    wall, cpu = ratios(times["common"], times["ours"])
    return {
        "common_way_equal_steps": wall,
        "common_way_equal_steps_cpu": cpu,
        "common_way_over_bare": ratios(times["common"], times["bare"])[0],
        "loop_over_bare": ratios(times["ours"], times["bare"])[0],
        "seconds_common_way": seconds(times["common"]),
        "seconds_ours": seconds(times["ours"]),
    }


def equal_activation(of: Subject, folder: Path, frames: int, tries: Sequence[int] = USUAL_STEPS) -> Figures:
    """The usual program's time over ours for a zoom with the same activation of the target.

    Both zoom from noise until they are warm. The usual program takes the fewest steps that reach our activation, or the
    most where none does; ``reached`` is its activation over ours.
    """
    objective = Objective(of.network)

    def activation(picture: Tensor) -> float:
        return objective.activation(picture.to(of.network.device), of.target)

    with looping(of, folder, warm=2 * frames) as loop:
        took = clock(loop.batch(frames)).wall
        pictures = [loop() for _ in range(frames)]
        loop.finish()
    goal, ours = median(map(activation, pictures)), took / frames
    figures: Figures = {"seconds_ours_warm": ours, "activation_ours": goal}
    for steps in tries:
        theirs = UsualProgram(of, folder, UsualSettings(steps=steps))
        several(theirs.frame, max(2, frames // 2))()
        times = take_turns({"theirs": theirs.frame}, 2)
        reached = activation(torch.from_numpy(theirs.picture.transpose(2, 0, 1).copy())[None])
        figures |= {"common_way_equal_activation": seconds(times["theirs"]) / ours}
        figures |= {"common_way_steps": steps, "reached": reached / goal}
        if reached >= goal:
            break
    return figures


def ways(of: Subject) -> Figures:
    """Milliseconds of a pass forward and back in each precision and memory layout: the best of some that took turns.

    ``conf/network/*.yaml`` follows from these. On a CPU it is the processor time.
    """
    network, times = of.network, dict[str, float]()
    before = (network.device, network.precision, network.channels_last)
    layer = network.resolve(of.plan.config.network.layers[-1], "network.layers")
    noise = torch.rand(1, 3, *PASS_SIZE, generator=torch.Generator().manual_seed(0)).to(network.device)
    for _ in range(PASS_ROUNDS):
        for dtype, last in product((torch.float32, torch.bfloat16), (False, True)):
            network.to(network.device, dtype, last)
            name = f"ms_{str(dtype).removeprefix('torch.')}{'_channels_last' * last}"
            _pass(network, layer, noise)  # the first one plans
            for _ in range(PASSES):
                took = clock(lambda: _pass(network, layer, noise))
                spent = took.cpu if network.device.type == "cpu" else took.wall
                times[name] = min(times.get(name, float("inf")), 1000 * spent)
    network.to(*before)
    return times


def _pass(network: Network, layer: str, picture: Tensor) -> None:
    """Forward to the layer and back to the picture."""
    with torch.enable_grad():
        leaf = picture.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(network.activations(leaf, [layer])[layer].square().mean(), leaf)
    float(gradient[0, 0, 0, 0])  # waits for the device


def faults(frame: Callable[[], None]) -> Figures:
    """Page faults of a frame once a film has begun: the median of a few."""
    several(frame, 2)()
    counts = [getrusage(RUSAGE_SELF).ru_minflt]
    for _ in range(5):
        frame()
        counts.append(getrusage(RUSAGE_SELF).ru_minflt)
    return {"page_faults": median(after - before for before, after in pairwise(counts))}


def per_second(given: str, size: tuple[int, int], device: str, folder: Path, frames: int) -> float:
    """Frames per second of the whole loop at this size (h, w), with the octaves of that size."""
    scale = size[0] / 360
    of = subject(given, (360, round(size[1] / scale)), folder, device=device, more=[f"frame.scale={scale}"])
    with looping(of, folder, warm=1) as loop:
        return frames / clock(loop.batch(frames)).wall
