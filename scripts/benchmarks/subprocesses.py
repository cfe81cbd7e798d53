"""Programs of their own: what only a new process can show, such as how it starts and what is read when torch loads."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

from pipeline.errors import RenderError
from pipeline.runtime.environment import PASSIVE_THREADS
from scripts.benchmarks.timing import several
from scripts.benchmarks.workload import Subject

ROOT = Path(__file__).resolve().parent.parent.parent
DREAMS = 4  # in one batch
BUSY_LOOP = "while True: pass"
FILM = ("frame.width=320", "frame.height=180", "start.steps=0", "overwrite=true")
RECORDED_FRAMES = 6  # of a film whose gradients are recorded, which happens at their third use


def start_up(folder: Path, device: str, times: int) -> dict[str, Any]:
    """Seconds until help is shown and until a film of one small frame is there.

    On a GPU there are also the first frames of a film whose passes are recorded, and of one whose are not.
    """
    film = [*FILM, f"device={device}", f"output={folder / 'first.mp4'}"]
    results: dict[str, Any] = {
        "help": _seconds(["--help"], folder, times),
        "first_frame": _seconds([*film, "duration=1f"], folder, times),
    }
    if not device.startswith("cuda"):
        return results | {"first_frames_recorded": "left out: passes are recorded on a CUDA GPU, there is none in use"}
    for name, word in (("recorded", "true"), ("launched", "false")):
        words = [*film, f"duration={RECORDED_FRAMES}f", f"dream.graphs={word}"]
        results[f"first_frames_{name}"] = _seconds(words, folder, times)
    return results


def threads(given: str, size: tuple[int, int], repeats: int) -> dict[str, float]:
    """A dream with OpenMP's threads spinning while they wait over the same with sleeping ones, alone and beside a
    process that is always busy; and the milliseconds of the latter.

    Two programs take turns, since OpenMP reads how to wait when torch is loaded.
    """
    results: dict[str, float] = {}
    with dreaming(given, size, passive=False) as spinning, dreaming(given, size, passive=True) as sleeping:
        for where in ("alone", "beside"):
            with _busy(where == "beside"):
                pairs = [(frame_seconds(spinning), frame_seconds(sleeping)) for _ in range(repeats)]
            results[f"spinning_over_passive_{where}"] = median(spun / slept for spun, slept in pairs)
            results[f"milliseconds_passive_{where}"] = 1000 * median(slept for _, slept in pairs)
    return results


@contextmanager
def dreaming(given: str, size: tuple[int, int], *, passive: bool) -> Iterator["subprocess.Popen[str]"]:
    """A program that dreams on request, and answers with the seconds that a dream took."""
    environment = {name: value for name, value in os.environ.items() if name not in PASSIVE_THREADS}
    words = [sys.executable, "-m", "scripts.benchmarks.subprocesses", given, str(size[0]), str(size[1])]
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=_environment({**environment, **(PASSIVE_THREADS if passive else {})}),
        start_new_session=True,  # Ctrl-C is for this program, which ends the other one
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def frame_seconds(process: "subprocess.Popen[str]") -> float:
    assert process.stdin is not None and process.stdout is not None
    with suppress(BrokenPipeError):
        print(DREAMS, file=process.stdin, flush=True)
    answer = process.stdout.readline()
    if not answer:
        raise RenderError(f"the program that dreams ended by itself, with {process.wait()}")
    return float(answer)


@contextmanager
def _busy(active: bool) -> Iterator[None]:
    """With a busy process running in parallel, if ``active``."""
    if not active:
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", BUSY_LOOP], start_new_session=True)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _seconds(words: list[str], folder: Path, times: int) -> float:
    """The median time of the program with these words."""
    took, command = [], [sys.executable, "-m", "pipeline.render", *words]
    for _ in range(times):
        began = time.perf_counter()
        environment = _environment(os.environ)
        subprocess.run(command, check=True, capture_output=True, cwd=folder, env=environment)
        took.append(time.perf_counter() - began)
    return median(took)


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with this repository on PYTHONPATH, whatever the current folder."""
    paths = [str(ROOT), *filter(None, [environment.get("PYTHONPATH")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(paths)}


def _serve(of: Subject) -> None:
    """For each number on stdin, run the passes of as many frames and print the seconds of one."""
    bare = of.bare()
    bare()
    for line in sys.stdin:
        began = time.perf_counter()
        several(bare, int(line))()
        print((time.perf_counter() - began) / int(line), flush=True)


def main() -> None:
    """What ``dreaming`` starts: a network and the height and width of its frames."""
    import tempfile

    from pipeline.cli import compose
    from scripts.benchmarks.workload import subject

    compose.register()
    given, height, width = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        _serve(subject(given, (int(height), int(width)), Path(folder), device="cpu"))


if __name__ == "__main__":
    main()
