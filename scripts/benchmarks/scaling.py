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
from scripts.benchmarks.timing import Time, ratios, seconds, several, take_turns
from scripts.benchmarks.workload import Subject, subject

BATCH_FRAMES = 3
DEPTHS = 5  # layers at which the network is cut
PARTS = 3  # of a run; the last is compared with the first
PART_FRAMES = 10

ONE_OCTAVE = ("dream.octaves=1",)
VARIANTS = {  # overrides and the factor by which there is more to do
    "steps": ((*ONE_OCTAVE, "dream.steps=4"), 4.0),
    "octaves": (("dream.octaves=4", "dream.octave_ratio=1.05"), sum((1 / 1.05**n) ** 2 for n in range(4))),
}


def scaling(given: str, base: tuple[int, int], folder: Path, device: str, repeats: int) -> Figures:
    """How time and memory grow, on the network ``given`` (a name, or name=FILE) from the size ``base`` (h, w) on.

    ``time_with_…`` is the exponent, 1 where time grows in proportion; ``megabytes_with_…`` the peak of a frame before
    and after. With pixels both should grow in proportion; with steps and octaves of equal size, only time.
    """

    def of(*more: str, times: int = 1) -> Subject:
        return subject(given, (times * base[0], times * base[1]), folder, device=device, more=more)

    variants = {"pixels": (of(*ONE_OCTAVE, times=2), 4.0)} | {
        name: (of(*words), n) for name, (words, n) in VARIANTS.items()
    }
    figures: Figures = {}
    for what, (more, factor) in variants.items():
        times, peaks = _side_by_side([of(*ONE_OCTAVE), more], folder, repeats)
        figures[f"time_with_{what}"] = log(ratios(times[1], times[0])[0]) / log(factor)
        figures |= {f"megabytes_with_{what}": peaks} if peaks else {}
    return figures | with_layers(of(*ONE_OCTAVE), folder, device, repeats) | with_frames(of(), folder)


def with_layers(of: Subject, folder: Path, device: str, repeats: int) -> Figures:
    """The network cut at deeper and deeper layers: arithmetic, time and memory of a frame.

    ``time_with_layers`` is the exponent of the bare passes' time with their arithmetic, from the shallowest to the
    deepest.
    """
    given, words = str(of.plan.config.network.name), [*ONE_OCTAVE]
    if of.trained:
        given += f"={of.plan.config.network.weights}" if of.plan.config.network.weights else ""
    layers = _spread(of.network.main_layers())
    cuts = [
        subject(given, of.size, folder, device=device, more=[*words, f"network.default_targets=[{name}]"])
        for name in layers
    ]
    bare = take_turns(
        {name: several(cut.bare(), BATCH_FRAMES) for name, cut in zip(layers, cuts, strict=True)}, repeats
    )
    times, peaks = _side_by_side(cuts, folder, repeats)
    work = {name: roofline.count(cut.bare()) for name, cut in zip(layers, cuts, strict=True)}
    rows = {
        name: {
            "gflop": work[name].flops / 1e9,
            "milliseconds_bare": 1000 * seconds(bare[name]) / BATCH_FRAMES,
            "milliseconds": 1000 * seconds(times[number]) / BATCH_FRAMES,
            **({"megabytes": peaks[number]} if peaks else {}),
        }
        for number, name in enumerate(layers)
    }
    first, last = layers[0], layers[-1]
    grown = log(work[last].flops / work[first].flops) if work[last].flops > work[first].flops else float("nan")
    return {"time_with_layers": log(ratios(bare[last], bare[first])[0]) / grown, "layers": rows}


def with_frames(of: Subject, folder: Path) -> Figures:
    """A run's last third over its first, and the megabytes that are taken after each: neither should grow."""
    with looping(of, folder, warm=BATCH_FRAMES) as loop:
        run, used = [], []
        for _ in range(PARTS):
            run.append(take_turns({"frame": loop.batch(1)}, PART_FRAMES - 1)["frame"])
            used.append(_used_megabytes(of.network.device))
    figures: Figures = {"time_with_frames": seconds(run[-1]) / seconds(run[0])}
    return figures | ({"megabytes_with_frames": [round(each) for each in used]} if all(used) else {})


def _side_by_side(subjects: Sequence[Subject], folder: Path, repeats: int) -> tuple[list[list[Time]], list[int]]:
    """The subjects' loops taking turns, a batch each: their times, and a frame's megabytes where these are known."""
    with ExitStack() as stack:
        loops: list[Loop] = [stack.enter_context(looping(each, folder, warm=1)) for each in subjects]
        times = take_turns({str(number): loop.batch(BATCH_FRAMES) for number, loop in enumerate(loops)}, repeats)
        peaks = [
            _peak_megabytes(loop.batch(1), each.network.device) for loop, each in zip(loops, subjects, strict=True)
        ]
    return [times[str(number)] for number in range(len(loops))], [round(each) for each in peaks] if all(peaks) else []


def _spread(names: Sequence[str]) -> list[str]:
    """A few of the names, evenly from the first to the last."""
    count = min(DEPTHS, len(names))
    return [names[round(number * (len(names) - 1) / max(count - 1, 1))] for number in range(count)]


def _peak_megabytes(job: Callable[[], object], device: torch.device) -> float:
    """Megabytes that the job takes at its peak, on top of what there is; 0 where that is unknown."""
    before = _used_megabytes(device, reset_peak=True)
    job()
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6 - before
    return max(_status_megabytes("VmHWM") - before, 0.0)


def _used_megabytes(device: torch.device, *, reset_peak: bool = False) -> float:
    """Megabytes that are taken now; 0 where that is unknown. ``reset_peak`` resets the peak."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        if reset_peak:
            torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device) / 1e6
    return_freed_memory()  # which would hide it
    if reset_peak:
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            return 0.0
    return _status_megabytes("VmRSS")


def _status_megabytes(name: str) -> float:
    """Megabytes from /proc/self/status; 0 where there is none."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(name))
