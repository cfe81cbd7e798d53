"""What is measured on a GPU: the goals set for one, what recorded passes gain, and what fixed algorithms cost."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from scripts.speed.measures import Figures, looping, several
from scripts.speed.subject import Subject, subject, wait
from scripts.speed.timing import ratios, seconds, take_turns

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
    recorded, launched = (
        dreaming(subject(given, size, folder, device=device, more=[*look, f"dream.graphs={word}"]))
        for word in ("true", "false")
    )
    several(recorded, WARM)()
    times = take_turns({"recorded": recorded, "launched": launched}, 3 * repeats)
    found |= {"launched_over_recorded": ratios(times["launched"], times["recorded"])[0]}
    found |= {f"milliseconds_{way}": 1000 * seconds(took) for way, took in times.items()}
    return found | busy(recorded)


def sustained(of: Subject, folder: Path, long: float) -> float:
    """Frames per second of a film, from score to finished file, over ``long`` seconds and until all is encoded."""
    frames = 0
    with looping(of, folder, warm=WARM) as frame:
        wait(of.network.device)
        began = time.perf_counter()
        while time.perf_counter() - began < long:
            frame()
            frames += 1
    return frames / (time.perf_counter() - began)


def dreaming(of: Subject) -> Callable[[], None]:
    """A film's frames without an encoder, each waited for."""
    shot = of.shot()
    steps = shot.render(shot.canvas)

    def frame() -> None:
        next(steps)
        wait(of.network.device)

    return frame


def busy(frame: Callable[[], None], frames: int = 8, most: int = 8) -> Figures:
    """The share of the time in which the device computes, and the operations that take most of it."""
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    began = time.perf_counter()
    with profile(activities=kinds, acc_events=True) as seen:
        several(frame, frames)()
        took = time.perf_counter() - began
    name = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    spent = {event.key: getattr(event, name) / 1e6 for event in seen.key_averages()}
    first = sorted(spent, key=lambda key: -spent[key])[:most]
    found: Figures = {"busy": sum(spent.values()) / took}
    if on_gpu:
        found["gigabytes"] = torch.cuda.max_memory_reserved() / 1e9
    return found | {"operations": {key[:70]: round(spent[key] / took, 3) for key in first}}


def deterministic(of: Subject, repeats: int) -> Figures:
    """A frame's bare passes with cuDNN's deterministic algorithms over the same with any."""
    bare = of.bare()

    def passes(fixed: bool) -> Callable[[], None]:
        def run() -> None:
            torch.backends.cudnn.deterministic = fixed
            try:
                bare()
            finally:
                torch.backends.cudnn.deterministic = True  # as films are rendered

        return run

    times = take_turns({"fixed": passes(True), "free": passes(False)}, repeats)
    return {"deterministic_over_free": ratios(times["fixed"], times["free"])[0]}
