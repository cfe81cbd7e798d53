"""How fast it renders, side by side with what it could be and with how it is usually done.

    python scripts/benchmark.py                          the whole table (long: name fewer networks, or parts)
    python scripts/benchmark.py --quick                  within a minute on two cores
    python scripts/benchmark.py --networks vgg16 squeezenet1_0=FILE --size 640x360 --json figures.json
    python scripts/benchmark.py --parts frames --sizes 1920x1080 3840x2160
    python scripts/benchmark.py --parts gpu deterministic --json figures.json      on a machine with a CUDA GPU

Everything is measured in one process, jobs taking turns; a ratio is the median of the ratios of neighbours. Frames
count when they are encoded. Of *x* and *cpu* the first is by the clock, the second by processor time, this process's
and its encoder's, which other programs disturb less.

*overhead*: the whole loop, encoder included, over the bare passes of the network, and a table of all networks (*roof*,
*bare*, *loop*; on a CPU the least processor time, one command for docs/performance.md); *gemm*: its arithmetic over the
machine's rate of matrix products in the network's own precision; *roof*: the time that its arithmetic or its bytes take
at least at the machine's rates, whichever is longer, over its own. *common*: the usual program
(``benchmarks/baseline.py``) over ours, at its four octaves of ten steps. *equal*: the same for a warm zoom with the
same activation of the target. *ways*: milliseconds of a pass in each precision and memory order. *profile*: the
operations that take most of a frame, and its page faults. *scaling*: how time and memory grow
(``benchmarks/scaling.py``). *start*: the help, first frames. *threads*: a dream beside a busy process, with OpenMP's
threads spinning and sleeping. *pictures*: the same film in every precision, order and tiling
(``benchmarks/image_quality.py``). *gpu*: films of GoogLeNet on a GPU, encoded, beside the goals set for them.
*deterministic*: what a GPU's fixed algorithms cost. *compiled*: what ``torch.compile`` would gain there.

Networks without a file of weights get random ones, which take as long; *equal* and *pictures* are left out
for them. With ``--json`` the figures are written after each part; Ctrl-C ends with 130, and they stand.
"""

import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from pipeline.runtime.environment import PASSIVE_THREADS

os.environ.update({**PASSIVE_THREADS, **os.environ})

import torch

from pipeline.runtime.files import write_bytes
from scripts.benchmarks import gpu, image_quality, measures, subprocesses
from scripts.benchmarks import options as command_line
from scripts.benchmarks import scaling as growth
from scripts.benchmarks.measures import Figures
from scripts.benchmarks.options import Options
from scripts.benchmarks.workload import Subject, subject

OF_TRAINED = {"equal", "pictures"}  # say nothing about random weights
PRINTED = {"pictures"}  # as they come


def main(words: list[str] | None = None) -> int:
    """Measure, print, and write the file of ``--json``; the exit code."""
    return command_line.answer(lambda: measure(command_line.read(words, __doc__ or "")))


def measure(options: Options) -> None:
    """Measure every selected part."""
    figures: Figures = {"conditions": conditions(options.device), "networks": {}}

    def done(title: str, results: Figures) -> None:
        if results:
            show(title, results)
        figures["conditions"]["load_after"] = os.getloadavg()[0]
        if options.file is not None:
            write_bytes(options.file, json.dumps(figures, indent=1).encode())

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if set(options.parts) & set(OF_A_NETWORK):
            for given in options.networks:
                with_network(given, options, folder, figures["networks"], done)
        if "overhead" in options.parts:
            print(f"\n{measures.budget_table(figures['networks'])}", flush=True)
        for part in (part for part in options.parts if part in BY_ITSELF):
            figures[part] = BY_ITSELF[part](options, folder)
            done(part, figures[part])
    done("conditions", figures["conditions"])


def with_network(
    given: str, options: Options, folder: Path, networks: Figures, done: Callable[[str, Figures], None]
) -> None:
    """The parts that are measured on each network; ``done`` gets the results of each."""
    of = subject(given, options.size, folder, device=str(options.device))
    name, (height, width) = of.network.name, options.size
    networks[name] = {"target": str(of.target), "size": f"{width}x{height}", "trained": of.trained}
    done(name, networks[name])
    for part in (part for part in options.parts if part in OF_A_NETWORK):
        if part in OF_TRAINED and not of.trained:
            continue
        results = OF_A_NETWORK[part](of, given, options, folder)
        networks[name] |= results
        done(f"{name}: {part}", {} if part in PRINTED else results)


def overhead(of: Subject, given: str, options: Options, folder: Path) -> Figures:
    return measures.overhead(of, folder, options.repeats, least=4 if options.quick else 8)


def common(of: Subject, given: str, options: Options, folder: Path) -> Figures:
    return measures.against_common_way(of, folder, max(2, options.repeats // 2))


def equal(of: Subject, given: str, options: Options, folder: Path) -> Figures:
    return measures.equal_activation(of, folder, *((4, (4, 10)) if options.quick else (12,)))


def like(of: Subject, given: str, options: Options, folder: Path) -> Figures:
    return {"pictures": image_quality.measure(given, options.size, folder, device=str(options.device))}


def profile(of: Subject, given: str, options: Options, folder: Path) -> Figures:
    return gpu.busy(gpu.dreaming(of), of.network.device) | measures.faults(gpu.dreaming(of))


def frames(of: Subject, given: str, options: Options, folder: Path) -> Figures:
    results = {}
    for height, width in options.sizes:
        count = 8 if height < 720 else 3
        results[f"{width}x{height}"] = measures.per_second(given, (height, width), str(options.device), folder, count)
    return {"frames_per_second": results}


def scaling(options: Options, folder: Path) -> Figures:
    return growth.scaling(options.networks[0], options.size, folder, str(options.device), options.repeats)


def start(options: Options, folder: Path) -> Figures:
    return subprocesses.start_up(folder, str(options.device), 1 if options.quick else 3)


def threads(options: Options, folder: Path) -> Figures:
    return subprocesses.threads(options.networks[0], options.size, options.repeats)


def goals(options: Options, folder: Path) -> Figures:
    given = next((given for given in options.networks if given.startswith(gpu.NETWORK)), gpu.NETWORK)
    return gpu.goals(given, folder, str(options.device), options.repeats)


OF_A_NETWORK: dict[str, Callable[[Subject, str, Options, Path], Figures]] = {
    "overhead": overhead,
    "common": common,
    "equal": equal,
    "ways": lambda of, given, options, folder: measures.ways(of),
    "profile": profile,
    "deterministic": lambda of, given, options, folder: gpu.deterministic(of, options.repeats),
    "compiled": lambda of, given, options, folder: gpu.compiled(of, options.repeats),
    "frames": frames,
    "pictures": like,
}
BY_ITSELF: dict[str, Callable[[Options, Path], Figures]] = {
    "scaling": scaling,
    "threads": threads,
    "gpu": goals,
    "start": start,
}


def conditions(device: torch.device) -> dict[str, Any]:
    """Where and when this was measured."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(sys.argv),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": str(device),
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "load_before": os.getloadavg()[0],
    }


def processor() -> str:
    """The processor's name, where Linux says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def show(title: str, figures: Figures, indent: int = 2) -> None:
    """A block of figures on standard output."""
    print(f"\n{title}" if indent == 2 else f"{'':{indent - 2}}{title}", flush=True)
    for name, value in figures.items():
        if isinstance(value, dict):
            show(name, value, indent + 2)
        else:
            shown = f"{value:.3f}" if isinstance(value, float) else value
            print(f"{'':{indent}}{name:30} {shown}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
