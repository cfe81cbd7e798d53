"""How fast it renders, side by side with what it could be and with how it is usually done.

    python -m scripts.benchmark                          the whole table (long: name fewer networks, or parts)
    python -m scripts.benchmark --quick                  within a minute on two cores
    python -m scripts.benchmark --networks vgg16 squeezenet1_0=FILE --size 640x360 --json figures.json
    python -m scripts.benchmark --parts frames --sizes 1920x1080 3840x2160
    python -m scripts.benchmark --parts gpu deterministic --json figures.json      on a machine with a CUDA GPU

Everything is measured in one process, jobs taking turns; a ratio is the median of the ratios of neighbours. Of *x*
and *cpu* the first is by the clock, the second by this process's processor time, which other programs disturb less.

*overhead*: the whole loop, encoder included, over the bare passes of the network. *common*: the usual way of making
such films (``speed/common_way.py``) over ours, at its four octaves of ten steps. *equal*: the same for a warm zoom in
which the target is seen as much. *gemm*: the loop's arithmetic over the machine's rate of matrix products in the
network's own precision. *adaptive*: fixed settings and ``dream.adaptive`` on the curve of quality against time
(``speed/thrift.py``). *ways*: milliseconds of a pass in each precision and memory order. *profile*: the operations that
take most of a frame, and its page faults. *gpu*: films of GoogLeNet on a GPU, encoded, beside the goals set for them.
*deterministic*: what a GPU's fixed algorithms cost.

Networks without a file of weights get random ones, which take as long; *equal* and *adaptive* are left out for them.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the program sets them
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import torch

from pipeline import command
from scripts.speed import gpu, measures, thrift
from scripts.speed.subject import subject
from scripts.speed.timing import seconds, take_turns

NETWORKS = ["motifnet", "squeezenet1_0", "googlenet", "vgg16"]
PARTS = (
    *("overhead", "common", "equal", "adaptive", "ways", "profile", "scaling", "frames", "start"),
    *("gpu", "deterministic"),
)
OF_A_GPU = {"gpu", "deterministic"}
OF_NO_NETWORK = {"scaling", "start", "gpu"}  # those that choose their own
SIZES = ["640x360", "1280x720", "1920x1080", "3840x2160"]


def main() -> None:
    """Measure, print, and write what ``--json`` asks for."""
    asked = arguments()
    command.register()
    figures: dict[str, Any] = {"conditions": conditions(), "networks": {}}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for given in asked.networks if set(asked.parts) - OF_NO_NETWORK else []:
            name = given.partition("=")[0]
            figures["networks"][name] = measure(given, asked, folder)
        if "scaling" in asked.parts:
            first = asked.networks[0]
            figures["scaling"] = measures.scaling(first, folder, asked.device, asked.repeats, parse(asked.size))
            show("scaling", figures["scaling"])
        if "gpu" in asked.parts:
            googlenet = next((given for given in asked.networks if given.startswith(gpu.NETWORK)), gpu.NETWORK)
            figures["gpu"] = gpu.goals(googlenet, folder, asked.device, asked.repeats)
            for size, found in figures["gpu"].items():
                show(f"gpu {size}", found)
        if "start" in asked.parts:
            figures["start"] = start_up(folder, 1 if asked.quick else 3)
            show("start", figures["start"])
    figures["conditions"]["load_after"] = os.getloadavg()[0]
    show("conditions", figures["conditions"])
    if asked.json:
        Path(asked.json).write_text(json.dumps(figures, indent=1))


def arguments() -> argparse.Namespace:
    """The command line."""
    words, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=words, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="two networks, small, few repeats")
    parser.add_argument("--networks", nargs="+", help=f"names, or name=FILE with weights [{' '.join(NETWORKS)}]")
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="what is measured [all]")
    parser.add_argument("--size", help="width x height of most measurements [480x270]")
    parser.add_argument("--sizes", nargs="+", default=SIZES, help="sizes of frames per second")
    parser.add_argument("--repeats", type=int, help="turns of each job [7]")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", help="file for all figures")
    asked = parser.parse_args()
    quick = asked.quick
    asked.networks = asked.networks or (["motifnet", "squeezenet1_0"] if quick else NETWORKS)
    asked.parts = asked.parts or (["overhead", "common", "start"] if quick else list(PARTS))
    asked.size = asked.size or ("320x192" if quick else "480x270")
    asked.repeats = asked.repeats or (3 if quick else 7)
    lost = [] if torch.cuda.is_available() else [part for part in asked.parts if part in OF_A_GPU]
    if lost:
        print(f"{' and '.join(lost)}: left out, there is no CUDA GPU here", file=sys.stderr)
    asked.parts = [part for part in asked.parts if part not in lost]
    if not asked.parts:
        sys.exit(2)
    return asked


def parse(size: str) -> tuple[int, int]:
    """``640x360`` → (360, 640)."""
    width, height = (int(part) for part in size.split("x"))
    return height, width


def measure(given: str, asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One network's figures."""
    of = subject(given, parse(asked.size), folder, device=asked.device)
    figures: dict[str, Any] = {"target": of.target, "size": asked.size, "trained": of.trained}
    if "overhead" in asked.parts:
        figures |= measures.overhead(of, folder, asked.repeats, 2)
    if "common" in asked.parts:
        figures |= measures.against_common_way(of, given, folder, max(2, asked.repeats // 2))
    if "equal" in asked.parts and of.trained:
        figures |= measures.equal_activation(of, given, folder, 12)
    if "deterministic" in asked.parts:
        figures |= gpu.deterministic(of, asked.repeats)
    if "ways" in asked.parts:
        figures |= measures.ways(of)
    if "profile" in asked.parts:
        figures |= gpu.busy(gpu.dreaming(of)) | measures.faults(gpu.dreaming(of))
    if "frames" in asked.parts:
        figures["frames_per_second"] = {size: per_second(given, size, asked.device, folder) for size in asked.sizes}
    show(given, figures)
    if "adaptive" in asked.parts and of.trained:
        print()
        figures["adaptive"] = thrift.measure(given, parse(asked.size), folder, device=asked.device)
    return figures


def per_second(given: str, size: str, device: str, folder: Path) -> float:
    """Frames per second of the whole loop at this size, with as many octaves as the size calls for."""
    scale = parse(size)[0] / 360
    of = subject(given, (360, round(parse(size)[1] / scale)), folder, device=device, more=[f"frame.scale={scale}"])
    with measures.looping(of, folder) as frame:
        return 1 / seconds(take_turns({"frame": frame}, 3 if scale < 2 else 1)["frame"])


def start_up(folder: Path, times: int) -> dict[str, float]:
    """Seconds until help is shown and until a film of one small frame is there."""
    film = ["frame.width=320", "frame.height=180", "duration=1f", "start.steps=0", "overwrite=true"]
    commands = {"help": ["--help"], "first_frame": [*film, f"output={folder / 'first.mp4'}"]}
    found = {}
    for what, words in commands.items():
        took = []
        for _ in range(times):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-m", "pipeline.render", *words], check=True, capture_output=True)
            took.append(time.perf_counter() - began)
        found[what] = median(took)
    return found


def conditions() -> dict[str, Any]:
    """Where and when this is measured."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(sys.argv),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
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


def show(title: str, figures: dict[str, Any]) -> None:
    """A block of figures on standard output."""
    print(f"\n{title}")
    for name, value in figures.items():
        print(f"  {name:28} {value:.3f}" if isinstance(value, float) else f"  {name:28} {value}")


if __name__ == "__main__":
    main()
