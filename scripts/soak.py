"""Renders thousands of small frames: memory and open files must not grow with the length of a film.

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

from pipeline.runtime.environment import PASSIVE_THREADS

os.environ.update({**PASSIVE_THREADS, **os.environ})

from hydra import compose, initialize_config_dir
from torch import Tensor

from pipeline import film
from pipeline.cli import compose as command
from pipeline.plan.planner import plan_film

SMALL = (
    *("frame.width=64", "frame.height=48", "dream.octaves=1", "start.steps=2"),
    *("encode.quality=draft", "score=fractal"),
)
SAMPLE_FRAMES = 25  # between two measurements
MAX_GROWTH = 0.02  # of memory, as a fraction


@dataclass
class Usage:
    """Resident memory in MB and open files of this process, by frame."""

    memory: dict[int, float] = field(default_factory=dict)
    files: dict[int, int] = field(default_factory=dict)

    def frame(self, index: int, frame: Tensor, label: str) -> None:
        if index % SAMPLE_FRAMES == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.memory[index] = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
            self.files[index] = len(list(Path("/proc/self/fd").iterdir()))

    def segment(self, path: Path, first: int, frames: int) -> None:
        pass


def main(arguments: list[str] | None = None) -> int:
    """Render and print the growth; 1 if there is any."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=3000)
    parser.add_argument("--after", type=int, default=500, help="first frame that counts")
    options = parser.parse_args(arguments)
    usage = Usage()
    command.register()
    with tempfile.TemporaryDirectory() as folder, initialize_config_dir(str(command.CONF), version_base="1.3"):
        arguments = [*SMALL, f"duration={options.frames}f", f"output={folder}/soak.mp4"]
        film.render(plan_film(command.read(compose("config", arguments)), Path(folder), "soak"), (usage,))
    return report(usage, options.after)


def report(usage: Usage, after: int) -> int:
    """Print memory and files of the first and the last quarter; 1 if either grew."""
    # The open segment, its encoder and the one that closes come and go, so each quarter's maximum counts.
    last = max(usage.memory)
    quarter = (last - after) // 4
    early = [frame for frame in usage.memory if after <= frame < after + quarter]
    late = [frame for frame in usage.memory if frame > last - quarter]
    memory = [max(usage.memory[frame] for frame in frames) for frames in (early, late)]
    files = [max(usage.files[frame] for frame in frames) for frames in (early, late)]
    growth = memory[1] / memory[0] - 1
    spans = [f"frames {frames[0]} to {frames[-1]}" for frames in (early, late)]
    print(f"memory: {memory[0]:.0f} MB in {spans[0]}, {memory[1]:.0f} MB in {spans[1]}")
    print(f"growth: {growth:+.2%}; open files: {files[0]} and {files[1]}")
    # A short-lived file may be missed in one quarter; a file left open by each segment is ten more.
    return int(growth >= MAX_GROWTH or files[1] > files[0] + 2)


if __name__ == "__main__":
    sys.exit(main())
