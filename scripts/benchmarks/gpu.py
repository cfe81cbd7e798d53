"""What is measured on a GPU: the goals set for one, what recorded passes gain, and what fixed algorithms cost."""

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
LOOK = ("network.targets=[inception4d]", "dream.octaves=2", "dream.steps=1", "frame.fps=30")
NETWORK = "googlenet"
ENCODERS = {  # not every GPU has NVENC: the A100 and the H100 have none
    "h264": ("encode=h264",),
    "h264_draft": ("encode=h264", "encode.quality=draft"),
    "h264_nvenc": ("encode=h264_nvenc",),
}
LONG = 15.0  # seconds for which a film is rendered
WARM = 12  # frames first, in which passes are recorded


def goals(given: str, folder: Path, device: str, repeats: int) -> Figures:
    """The films for which goals are set, by size, on the network ``given`` (a name, or name=FILE)."""
    found: Figures = {}
    for size, goal in GOALS.items():
        figures = film(given, size, folder, device=device, look=LOOK, repeats=repeats, long=LONG)
        found[f"{size[1]}x{size[0]}"] = {"goal": goal, **figures}
    return found


def film(
    given: str, size: tuple[int, int], folder: Path, *, device: str, look: Sequence[str], repeats: int, long: float
) -> Figures:
    """Frames per second with each encoder for ``long`` seconds, and what a frame takes without any."""
    found: Figures = {}
    for name, words in ENCODERS.items():
        of = subject(given, size, folder, device=device, more=[*look, *words])
        works = f"encode={of.plan.config.encode.codec}" in words
        found[f"frames_per_second_{name}"] = sustained(of, folder, long) if works else "; ".join(of.plan.notes)
    frames = WARM + max(2, round(long * found["frames_per_second_h264"]))
    found["frames_per_second_as_rendered"] = as_rendered(of, [*look, *ENCODERS["h264"]], folder, frames)
    recorded, launched = (
        dreaming(subject(given, size, folder, device=device, more=[*look, f"dream.graphs={word}"]))
        for word in ("true", "false")
    )
    several(recorded, WARM)()
    times = take_turns({"recorded": recorded, "launched": launched}, 3 * repeats)
    found |= {"launched_over_recorded": ratios(times["launched"], times["recorded"])[0]}
    found |= {f"milliseconds_{way}": 1000 * seconds(took) for way, took in times.items()}
    return found | busy(recorded, of.network.device)


def sustained(of: Subject, folder: Path, long: float) -> float:
    """Frames per second of a film, from score to finished file, over ``long`` seconds and until all is encoded."""
    frames = 0
    with looping(of, folder, warm=WARM) as loop:
        began = time.perf_counter()
        while time.perf_counter() - began < long:
            loop()
            frames += 1
    return frames / (time.perf_counter() - began)


class Stopwatch:
    """Looks on while a film is rendered, and notes when its frame ``first`` was there."""

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

    From frame ``WARM`` on until the finished film is there; what comes before does not count.
    """
    home = Path(tempfile.mkdtemp(dir=folder))
    weights = home / "weights.pth"
    torch.save({name: each.cpu().contiguous() for name, each in of.network.model.state_dict().items()}, weights)
    words = [*more, f"duration={frames}f", f"output={home / 'film.mp4'}"]
    config = settings(of.network.name, of.size, device=str(of.network.device), more=words, weights=str(weights))
    watch = Stopwatch(WARM - 1)
    render(plan_film(config, home, "film"), (watch,))
    return (frames - WARM) / (time.perf_counter() - watch.began)


def dreaming(of: Subject) -> Callable[[], None]:
    """A film's frames without an encoder, each waited for."""
    shot = of.shot()
    steps = shot.render(shot.canvas)

    def frame() -> None:
        next(steps)
        wait(of.network.device)

    return frame


def busy(frame: Callable[[], None], device: torch.device, frames: int = 8, most: int = 8) -> Figures:
    """The share of the time in which the device computes, and the operations that take most of it."""
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
    kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    began = time.perf_counter()
    with profile(activities=kinds, acc_events=True) as seen:
        several(frame, frames)()
        took = time.perf_counter() - began
    spent = computing(seen.key_averages(), on_gpu=on_gpu)
    first = sorted(spent, key=lambda key: -spent[key])[:most]
    found: Figures = {"busy": sum(spent.values()) / took}
    if on_gpu:
        found["gigabytes"] = torch.cuda.max_memory_reserved(device) / 1e9
    return found | {"operations": {key[:70]: round(spent[key] / took, 3) for key in first}}


def computing(events: Iterable[FunctionEventAvg], *, on_gpu: bool) -> dict[str, float]:
    """Seconds that each operation took of the device's own time.

    Of a GPU only what ran there counts: the processor's operations that launched it carry its time once more, and so do
    spans that somebody named.
    """
    if not on_gpu:
        return {event.key: event.self_cpu_time_total / 1e6 for event in events}
    kernels = [event for event in events if event.device_type == DeviceType.CUDA and not event.is_user_annotation]
    return {event.key: event.self_device_time_total / 1e6 for event in kernels}


def deterministic(of: Subject, repeats: int) -> Figures:
    """A frame's bare passes with cuDNN's deterministic algorithms over the same with the fastest, found by trial."""
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
