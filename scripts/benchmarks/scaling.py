"""How time and memory grow with pixels, steps, octaves, layers and frames."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from math import log
from pathlib import Path

import torch

from pipeline.runtime.device import return_freed_memory
from scripts.benchmarks import roofline
from scripts.benchmarks.frame_loop import Loop, looping
from scripts.benchmarks.measures import Figures
from scripts.benchmarks.timing import Took, ratios, seconds, several, take_turns
from scripts.benchmarks.workload import Subject, subject

BATCH = 3  # frames in one go
DEPTHS = 5  # layers, from the shallowest to the deepest
STRETCHES = 3  # of a run, of which the last is compared with the first
LENGTH = 10  # frames of each

ONE = ("dream.octaves=1",)
MORE = {  # overrides and the factor by which there is more to do
    "steps": ((*ONE, "dream.steps=4"), 4.0),
    "octaves": (("dream.octaves=4", "dream.octave_ratio=1.05"), sum((1 / 1.05**n) ** 2 for n in range(4))),
}


def scaling(given: str, base: tuple[int, int], folder: Path, device: str, repeats: int) -> Figures:
    """How time and memory grow, on the network ``given`` (a name, or name=FILE) from the size ``base`` (h, w) on.

    ``time_with_…`` is the exponent, 1 where time grows in proportion; ``megabytes_with_…`` the peak of a frame before
    and after. With pixels both should grow so; with steps and octaves of equal size only time.
    """

    def of(*more: str, times: int = 1) -> Subject:
        return subject(given, (times * base[0], times * base[1]), folder, device=device, more=more)

    variants = {"pixels": (of(*ONE, times=2), 4.0)} | {name: (of(*words), n) for name, (words, n) in MORE.items()}
    figures: Figures = {}
    for what, (more, factor) in variants.items():
        times, peaks = _side_by_side([of(*ONE), more], folder, repeats)
        figures[f"time_with_{what}"] = log(ratios(times[1], times[0])[0]) / log(factor)
        figures |= {f"megabytes_with_{what}": peaks} if peaks else {}
    return figures | with_layers(of(*ONE), folder, device, repeats) | with_frames(of(), folder)


def with_layers(of: Subject, folder: Path, device: str, repeats: int) -> Figures:
    """The network cut at deeper and deeper layers: what a frame has to compute, takes, and needs of memory.

    ``time_with_layers`` is the exponent of the bare passes' time with their arithmetic, from the shallowest to the
    deepest.
    """
    given, words = str(of.plan.config.network.name), [*ONE]
    if of.trained:
        given += f"={of.plan.config.network.weights}" if of.plan.config.network.weights else ""
    layers = _spread(of.network.main_layers())
    cuts = [
        subject(given, of.size, folder, device=device, more=[*words, f"network.targets=[{name}]"]) for name in layers
    ]
    bare = take_turns({name: several(cut.bare(), BATCH) for name, cut in zip(layers, cuts, strict=True)}, repeats)
    times, peaks = _side_by_side(cuts, folder, repeats)
    work = {name: roofline.count(cut.bare()) for name, cut in zip(layers, cuts, strict=True)}
    rows = {
        name: {
            "gflop": work[name].flops / 1e9,
            "milliseconds_bare": 1000 * seconds(bare[name]) / BATCH,
            "milliseconds": 1000 * seconds(times[number]) / BATCH,
            **({"megabytes": peaks[number]} if peaks else {}),
        }
        for number, name in enumerate(layers)
    }
    first, last = layers[0], layers[-1]
    grown = log(work[last].flops / work[first].flops) if work[last].flops > work[first].flops else float("nan")
    return {"time_with_layers": log(ratios(bare[last], bare[first])[0]) / grown, "layers": rows}


def with_frames(of: Subject, folder: Path) -> Figures:
    """A run's last third over its first, and the megabytes that are taken after each: neither should grow."""
    with looping(of, folder, warm=BATCH) as loop:
        run, held = [], []
        for _ in range(STRETCHES):
            run.append(take_turns({"frame": loop.batch(1)}, LENGTH - 1)["frame"])
            held.append(_held(of.network.device))
    found: Figures = {"time_with_frames": seconds(run[-1]) / seconds(run[0])}
    return found | ({"megabytes_with_frames": [round(each) for each in held]} if all(held) else {})


def _side_by_side(subjects: Sequence[Subject], folder: Path, repeats: int) -> tuple[list[list[Took]], list[int]]:
    """The subjects' loops taking turns, a batch each: their times, and a frame's megabytes where these are told."""
    with ExitStack() as stack:
        loops: list[Loop] = [stack.enter_context(looping(each, folder, warm=1)) for each in subjects]
        times = take_turns({str(number): loop.batch(BATCH) for number, loop in enumerate(loops)}, repeats)
        peaks = [_peak(loop.batch(1), each.network.device) for loop, each in zip(loops, subjects, strict=True)]
    return [times[str(number)] for number in range(len(loops))], [round(each) for each in peaks] if all(peaks) else []


def _spread(names: Sequence[str]) -> list[str]:
    """A few of the names, evenly from the first to the last."""
    count = min(DEPTHS, len(names))
    return [names[round(number * (len(names) - 1) / max(count - 1, 1))] for number in range(count)]


def _peak(job: Callable[[], object], device: torch.device) -> float:
    """Megabytes that the job takes at its peak, on top of what there is; 0 where that cannot be told."""
    before = _held(device, anew=True)
    job()
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6 - before
    return max(_status("VmHWM") - before, 0.0)


def _held(device: torch.device, *, anew: bool = False) -> float:
    """Megabytes that are taken now; 0 where that cannot be told. ``anew`` forgets the peak until now."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        if anew:
            torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device) / 1e6
    return_freed_memory()  # what is kept for reuse would hide it
    if anew:
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            return 0.0
    return _status("VmRSS")


def _status(name: str) -> float:
    """Megabytes, from what Linux says of this process."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(name))
