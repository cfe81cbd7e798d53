"""Measurements for a GPU: films against their goals, recorded against launched operations, determinism's price."""

import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.autograd import DeviceType
from torch.autograd.profiler_util import FunctionEventAvg
from torch.profiler import ProfilerActivity, profile

from pipeline.film import render
from pipeline.plan.planner import plan_film
from scripts.benchmarks.frame_loop import looping
from scripts.benchmarks.measures import Figures
from scripts.benchmarks.timing import ratios, seconds, several, take_turns
from scripts.benchmarks.workload import Subject, settings, subject, wait

GOALS = {(1080, 1920): 30.0, (2160, 3840): 8.0}  # frames per second of a film, encoded
GOAL_SETTINGS = ("network.default_targets=[inception4d]", "dream.octaves=2", "dream.steps=1", "frame.fps=30")
NETWORK = "googlenet"
ENCODERS = {  # not every GPU has NVENC: the A100 and the H100 have none
    "h264": ("encode=h264",),
    "h264_draft": ("encode=h264", "encode.quality=draft"),
    "h264_nvenc": ("encode=h264_nvenc",),
}
FILM_SECONDS = 15.0
WARM_FRAMES = 12  # rendered first, in which gradients are recorded


def goals(given: str, folder: Path, device: str, repeats: int) -> Figures:
    """Films against their goals, by size, on the network ``given`` (a name, or name=FILE)."""
    results: Figures = {}
    for size, goal in GOALS.items():
        figures = film(given, size, folder, device=device, more=GOAL_SETTINGS, repeats=repeats, long=FILM_SECONDS)
        results[f"{size[1]}x{size[0]}"] = {"goal": goal, **figures}
    return results


def film(
    given: str, size: tuple[int, int], folder: Path, *, device: str, more: Sequence[str], repeats: int, long: float
) -> Figures:
    """Frames per second with each encoder for ``long`` seconds, and the time of a frame without any."""
    results: Figures = {}
    for name, words in ENCODERS.items():
        of = subject(given, size, folder, device=device, more=[*more, *words])
        works = f"encode={of.plan.config.encode.codec}" in words
        results[f"frames_per_second_{name}"] = sustained(of, folder, long) if works else "; ".join(of.plan.notes)
    frames = WARM_FRAMES + max(2, round(long * results["frames_per_second_h264"]))
    results["frames_per_second_as_rendered"] = as_rendered(of, [*more, *ENCODERS["h264"]], folder, frames)
    recorded, launched = (
        dreaming(subject(given, size, folder, device=device, more=[*more, f"dream.graphs={word}"]))
        for word in ("true", "false")
    )
    several(recorded, WARM_FRAMES)()
    times = take_turns({"recorded": recorded, "launched": launched}, 3 * repeats)
    results |= {"launched_over_recorded": ratios(times["launched"], times["recorded"])[0]}
    results |= {f"milliseconds_{name}": 1000 * seconds(took) for name, took in times.items()}
    return results | busy(recorded, of.network.device)


def sustained(of: Subject, folder: Path, long: float) -> float:
    """Frames per second of a film, from score to finished file, over ``long`` seconds and until all is encoded."""
    frames = 0
    with looping(of, folder, warm=WARM_FRAMES) as loop:
        began = time.perf_counter()
        while time.perf_counter() - began < long:
            loop()
            frames += 1
    return frames / (time.perf_counter() - began)


class Stopwatch:
    """Listens to a render and notes when its frame ``first`` is finished."""

    def __init__(self, first: int) -> None:
        self._first, self.began = first, 0.0

    def frame(self, index: int, frame: Tensor, label: str) -> None:
        if index == self._first:
            wait(frame.device)
            self.began = time.perf_counter()

    def segment(self, path: Path, first: int, frames: int) -> None:
        pass


def as_rendered(of: Subject, more: Sequence[str], folder: Path, frames: int) -> float:
    """Frames per second of the film as a user gets it: segments, checkpoints, joined, with poster and record.

    From frame ``WARM_FRAMES`` on until the film is finished.
    """
    place = Path(tempfile.mkdtemp(dir=folder))
    weights = place / "weights.pth"
    torch.save({name: each.cpu().contiguous() for name, each in of.network.model.state_dict().items()}, weights)
    words = [*more, f"duration={frames}f", f"output={place / 'film.mp4'}"]
    config = settings(of.network.name, of.size, device=str(of.network.device), more=words, weights=str(weights))
    watch = Stopwatch(WARM_FRAMES - 1)
    render(plan_film(config, place, "film"), (watch,))
    return (frames - WARM_FRAMES) / (time.perf_counter() - watch.began)


def dreaming(of: Subject) -> Callable[[], None]:
    """A job of one frame of the film, without an encoder, that waits for the device."""
    shot = of.shot()
    steps = shot.render(shot.canvas)

    def frame() -> None:
        next(steps)
        wait(of.network.device)

    return frame


def busy(frame: Callable[[], None], device: torch.device, frames: int = 8, most: int = 8) -> Figures:
    """The fraction of the time in which the device computes, and the operations that take most of it."""
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
    kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    began = time.perf_counter()
    with profile(activities=kinds, acc_events=True) as profiler:
        several(frame, frames)()
        took = time.perf_counter() - began
    spent = computing(profiler.key_averages(), on_gpu=on_gpu)
    first = sorted(spent, key=lambda key: -spent[key])[:most]
    results: Figures = {"busy": sum(spent.values()) / took}
    if on_gpu:
        results["gigabytes"] = torch.cuda.max_memory_reserved(device) / 1e9
    return results | {"operations": {key[:70]: round(spent[key] / took, 3) for key in first}}


def computing(events: Iterable[FunctionEventAvg], *, on_gpu: bool) -> dict[str, float]:
    """Seconds that each operation took of the device's own time.

    On a GPU only kernels count: the processor's operations that launch them and annotated spans have their time too.
    """
    if not on_gpu:
        return {event.key: event.self_cpu_time_total / 1e6 for event in events}
    kernels = [event for event in events if event.device_type == DeviceType.CUDA and not event.is_user_annotation]
    return {event.key: event.self_device_time_total / 1e6 for event in kernels}


def compiled(of: Subject, repeats: int) -> Figures:
    """The time of a frame's bare passes over the same compiled by torch, and the seconds that compiling took."""
    plain = of.bare()
    began = time.perf_counter()
    quick = of.bare(lambda module: torch.compile(module, mode="reduce-overhead"))
    several(quick, 3)()
    took = time.perf_counter() - began
    times = take_turns({"plain": plain, "compiled": quick}, repeats)
    return {"plain_over_compiled": ratios(times["plain"], times["compiled"])[0], "seconds_compiling": took}


def deterministic(of: Subject, repeats: int) -> Figures:
    """The time of a frame's bare passes with cuDNN's deterministic algorithms over that with its fastest ones."""
    bare, cudnn = of.bare(), torch.backends.cudnn

    def passes(fixed: bool) -> Callable[[], None]:
        def run() -> None:
            before = cudnn.deterministic, cudnn.benchmark
            cudnn.deterministic, cudnn.benchmark = fixed, not fixed
            try:
                bare()
            finally:
                cudnn.deterministic, cudnn.benchmark = before  # as films are rendered

        return run

    times = take_turns({"fixed": passes(True), "free": passes(False)}, repeats)
    return {"deterministic_over_free": ratios(times["fixed"], times["free"])[0]}
