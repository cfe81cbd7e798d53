"""One command that tells the truth about a CUDA GPU: does everything work there, how fast, and are frames repeatable?

    scripts/gpu_check                              all stages, about ten minutes
    scripts/gpu_check --stages tests determinism   some of them
    scripts/gpu_check --dry                        all of them, small, on the processor: does this script work?

Stages: *tests* of what only a GPU does; *frames* per second, encoded, of several networks and sizes, and what the GPU
spends its time on; *goals*: GoogLeNet against the goals set for it, with and without recorded passes; *passes* of the
default network by precision and memory order, and compiled by torch; *determinism*: a film rendered twice, and killed
and resumed; *pair*: two films on one GPU; *film*: four seconds to look at.

After each stage its results stand in gpu.json and gpu.md in the folder --output: a run that is cut off still counts. A
stage that fails or takes too long says so there, and the next one follows. Exit code 1 if one failed.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.media.decode.probe import decode

ROOT = Path(__file__).resolve().parent.parent
Figures = dict[str, Any]
TESTS = ("dream/test_cuda_graphs.py", "dream/test_deterministic_padding.py", "dream/test_tiling.py", "media/encode")
TESTS += ("motion/test_camera.py", "runtime/test_device.py", "segments/test_open_segment.py")
DRY_TESTS = ("runtime/test_device.py", "dream/test_deterministic_padding.py")
LAST_LINES = 12  # of what a failed command printed
POLL_SECONDS = 0.02
FILM_SECONDS = 120  # that a film may take


class StageError(Exception):
    """A stage has failed; its text says how."""


@dataclass(frozen=True)
class Check:
    """How stages run: the ``folder`` for what they write; ``dry``: small, on the processor."""

    folder: Path
    dry: bool

    @property
    def device(self) -> str:
        return "cpu" if self.dry else "cuda"

    def python(self, *words: str, seconds: float) -> str:
        """What ``python -m`` with these words prints. Raises StageError where it fails or takes longer."""
        try:
            run = subprocess.run(
                [sys.executable, "-m", *words],
                cwd=ROOT,
                env=environment(),
                capture_output=True,
                text=True,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise StageError(f"python -m {' '.join(words)} took longer than {seconds:.0f} s") from error
        if run.returncode:
            lines = (run.stdout + run.stderr).strip().splitlines()[-LAST_LINES:]
            raise StageError("\n".join([f"python -m {' '.join(words)} ended with {run.returncode}", *lines]))
        return run.stdout

    @contextmanager
    def started(self, words: Sequence[str]) -> Iterator["subprocess.Popen[bytes]"]:
        """A silent process of ``python -m`` with these words, killed at the end if it still runs."""
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen([sys.executable, "-m", *words], cwd=ROOT, env=environment(), **silent)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def benchmark(self, name: str, *words: str, seconds: float) -> Figures:
        """The figures of ``scripts/benchmark.py``, also those that it had measured when time ran out."""
        file = self.folder / f"{name}.json"
        words = ("scripts.benchmark", "--device", self.device, "--json", str(file), *words)
        try:
            self.python(*words, seconds=seconds)
        except StageError as error:
            if not file.exists():
                raise
            return {**_measured(file), "cut off": str(error)}
        return _measured(file)

    def film(self, name: str, *words: str) -> tuple[Path, list[str]]:
        """The path and the command of a film; an older one of this name is removed."""
        path = self.folder / f"{name}.mp4"
        for old in self.folder.glob(f"*{name}.mp4*"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        size = ["frame.width=96", "frame.height=64", "duration=24f", "start.steps=2"] if self.dry else []
        return path, ["pipeline.render", f"device={self.device}", f"output={path}", *words, *size]


def _measured(file: Path) -> Figures:
    """What a benchmark has measured; what it says of the machine stands above."""
    return {name: figures for name, figures in json.loads(file.read_text()).items() if name != "conditions"}


def environment() -> dict[str, str]:
    """The environment of commands, in which this project is found."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))}


def tests(check: Check) -> Figures:
    """The tests of what only a GPU does."""
    files = [f"tests/{name}" for name in (DRY_TESTS if check.dry else TESTS)]
    printed = check.python("pytest", "-q", "-p", "no:cacheprovider", *files, seconds=240)
    return {"pytest": printed.strip().splitlines()[-1]}


def frames(check: Check) -> Figures:
    """Frames per second of networks and sizes, and what takes the time."""
    networks = ["motifnet"] if check.dry else ["efficientnet_lite0", "motifnet", "googlenet", "vgg16"]
    sizes = ["96x64"] if check.dry else ["640x360", "1920x1080", "3840x2160"]
    size = "96x64" if check.dry else "1920x1080"
    words = ["--parts", "overhead", "frames", "profile", "--repeats", "1" if check.dry else "3", "--size", size]
    return check.benchmark("frames", *words, "--networks", *networks, "--sizes", *sizes, seconds=240)


def goals(check: Check) -> Figures:
    """GoogLeNet against its goals."""
    if check.dry:
        return {"left out": "the goals are those of a GPU"}
    return check.benchmark("goals", "--parts", "gpu", "deterministic", "--networks", "googlenet", seconds=240)


def passes(check: Check) -> Figures:
    """Passes of the default network in each precision and memory order, and compiled by torch."""
    network = "motifnet" if check.dry else "efficientnet_lite0"
    size = "96x64" if check.dry else "1920x1080"
    words = ["--parts", "ways", *(() if check.dry else ("compiled",)), "--networks", network, "--size", size]
    return check.benchmark("passes", *words, "--repeats", "1" if check.dry else "5", seconds=180)


def determinism(check: Check) -> Figures:
    """A film rendered twice, and one that is killed in the middle and resumed: are their frames the same?"""
    words = ("preset=fractal_zoom", "duration=4s", "segment=4", *(("network=motifnet",) if check.dry else ()))
    hashes = []
    for name in ("first", "second"):
        path, command = check.film(name, *words)
        check.python(*command, seconds=FILM_SECONDS)
        hashes.append(frame_hash(path))
    path, command = check.film("killed", *words)
    with check.started(command) as process:
        deadline = time.monotonic() + FILM_SECONDS
        while process.poll() is None and not list(check.folder.glob("killed.mp4.work/shot-*/*.mp4")):
            if time.monotonic() > deadline:
                raise StageError(f"no segment was finished within {FILM_SECONDS} s")
            time.sleep(POLL_SECONDS)
        process.send_signal(signal.SIGKILL)
        killed = process.wait() == -signal.SIGKILL
    check.python(*command, seconds=FILM_SECONDS)
    results = {"two renders are the same": hashes[0] == hashes[1]}
    results |= {"killed before its end": killed, "resumed is the same": frame_hash(path) == hashes[0]}
    if not all(results.values()):
        raise StageError(f"{results}")
    return results


def frame_hash(path: Path) -> str:
    """SHA-256 of all decoded frames."""
    digest = hashlib.sha256()
    for frame in decode(path):
        digest.update(frame.tobytes())
    return digest.hexdigest()


def pair(check: Check) -> Figures:
    """Two films at once over one alone: 1 costs nothing, 2 is no gain."""
    words = ("preset=fractal_zoom", "duration=3s", *(("network=motifnet",) if check.dry else ()))
    seconds = []
    for names in (["alone"], ["left", "right"]):
        began = time.perf_counter()
        with ExitStack() as stack:
            running = [stack.enter_context(check.started(check.film(name, *words)[1])) for name in names]
            try:
                codes = [process.wait(FILM_SECONDS) for process in running]
            except subprocess.TimeoutExpired as error:
                raise StageError(f"a film took longer than {FILM_SECONDS} s") from error
        if any(codes):
            raise StageError(f"the films ended with {codes}")
        seconds.append(time.perf_counter() - began)
    return {"seconds of one": seconds[0], "seconds of two": seconds[1], "two over one": seconds[1] / seconds[0]}


def film(check: Check) -> Figures:
    """Four seconds of the default film at 1920×1080, to look at."""
    words = ("network=motifnet",) if check.dry else ("quality=hd", "duration=4s")
    path, command = check.film("film", "preset=fractal_zoom", *words)
    began = time.perf_counter()
    check.python(*command, seconds=180)
    return {"film": str(path), "seconds with start and growth": time.perf_counter() - began}


STAGES: dict[str, Callable[[Check], Figures]] = {
    each.__name__: each for each in (tests, frames, goals, passes, determinism, pair, film)
}


def write(folder: Path, results: Figures) -> None:
    """The results as gpu.json, and as a page to read, gpu.md."""
    (folder / "gpu.json").write_text(json.dumps(results, indent=1))
    lines = ["# This program on a GPU", ""]
    for stage, figures in results.items():
        lines += [f"## {stage}", "", "| what | figure |", "|---|---|"]
        lines += [f"| {name} | {value} |" for name, value in flat(figures)] + [""]
    (folder / "gpu.md").write_text("\n".join(lines))


def flat(figures: Figures, above: str = "") -> list[tuple[str, str]]:
    """Figures in figures as one list: ``frames: 640x360``, ``31.2``."""
    result = []
    for name, value in figures.items():
        if isinstance(value, dict):
            result += flat(value, f"{above}{name}: ")
        else:
            shown = f"{value:.4g}" if isinstance(value, float) else str(value)
            result.append((f"{above}{name}", shown.replace("\n", "<br>").replace("|", "\\|")))
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stages and return the exit code."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry", action="store_true", help="small, on the processor")
    parser.add_argument("--stages", nargs="+", default=list(STAGES), choices=STAGES, metavar="STAGE")
    parser.add_argument("--output", type=Path, default=ROOT / "outputs" / "gpu_check", help="folder for the results")
    options = parser.parse_args(arguments)
    if not options.dry and not torch.cuda.is_available():
        print(
            "error: there is no CUDA GPU here that torch can use; --dry tries all stages on the processor",
            file=sys.stderr,
        )
        return 1
    options.output.mkdir(parents=True, exist_ok=True)
    check = Check(options.output.resolve(), options.dry)
    gpu = "none, a dry run" if options.dry else torch.cuda.get_device_name()
    results: Figures = {
        "machine": {
            "gpu": gpu,
            "torch": torch.__version__,
            "cuda": torch.version.cuda,
            "python": sys.version.split()[0],
            "date": time.strftime("%Y-%m-%d"),
        }
    }
    failed = False
    for name in options.stages:
        began = time.perf_counter()
        try:
            results[name] = STAGES[name](check)
        except StageError as error:
            results[name], failed = {"failed": str(error)}, True
        results[name]["seconds of this stage"] = time.perf_counter() - began
        write(check.folder, results)
        print(name, *(f"  {key}: {value}" for key, value in flat(results[name])), sep="\n", flush=True)
    print(check.folder / "gpu.md")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
