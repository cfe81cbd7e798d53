"""Renders thousands of small frames and watches memory and open files: neither may grow with a film's length.

python -m scripts.soak                         3000 frames, about five minutes on two cores
python -m scripts.soak --frames 800 --after 300
"""

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

from hydra import compose, initialize_config_dir
from torch import Tensor

from pipeline import film
from pipeline.cli import compose as command
from pipeline.plan.planner import plan_film

SMALL = (
    "frame.width=64",
    "frame.height=48",
    "dream.octaves=1",
    "start.steps=2",
    "encode.quality=draft",
    "score=fractal",
)
EVERY = 25  # frames between two looks


@dataclass
class Gauge:
    """Resident memory in MB and open files of this process, as the film goes on."""

    memory: dict[int, float] = field(default_factory=dict)
    files: dict[int, int] = field(default_factory=dict)

    def frame(self, index: int, frame: Tensor, label: str) -> None:
        if index % EVERY == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.memory[index] = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
            self.files[index] = len(list(Path("/proc/self/fd").iterdir()))

    def segment(self, path: Path, first: int, frames: int) -> None:
        pass


def main(arguments: list[str] | None = None) -> int:
    """Renders, prints what grew, and returns 1 when something did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=3000)
    parser.add_argument("--after", type=int, default=500, help="the frame from which on nothing may grow")
    options = parser.parse_args(arguments)
    gauge = Gauge()
    command.register()
    with tempfile.TemporaryDirectory() as folder, initialize_config_dir(str(command.CONF), version_base="1.3"):
        asked = [*SMALL, f"duration={options.frames}f", f"output={folder}/soak.mp4"]
        film.render(plan_film(command.read(compose("config", asked)), Path(folder), "soak"), (gauge,))
    return report(gauge, options.after)


def report(gauge: Gauge, after: int) -> int:
    """Prints the figures before and after; 1 when memory grew by 2 % or more, or files did."""
    # The open segment, its encoder and the one that closes come and go: the highest of each stretch counts.
    last = max(gauge.memory)
    stretch = (last - after) // 4
    early = [frame for frame in gauge.memory if after <= frame < after + stretch]
    late = [frame for frame in gauge.memory if frame > last - stretch]
    memory = [max(gauge.memory[frame] for frame in frames) for frames in (early, late)]
    files = [max(gauge.files[frame] for frame in frames) for frames in (early, late)]
    growth = memory[1] / memory[0] - 1
    where = [f"frames {frames[0]} to {frames[-1]}" for frames in (early, late)]
    print(f"memory: {memory[0]:.0f} MB in {where[0]}, {memory[1]:.0f} MB in {where[1]}")
    print(f"growth: {growth:+.2%}; open files: {files[0]} and {files[1]}")
    # What comes and goes may be missed in one stretch; a file left open by each segment is ten more.
    return int(growth >= 0.02 or files[1] > files[0] + 2)


if __name__ == "__main__":
    sys.exit(main())
