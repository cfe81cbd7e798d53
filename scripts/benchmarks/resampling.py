"""Times resizing and zooming by small matrices against torch's own, on a CPU, in turns.

    OMP_NUM_THREADS=1 python -m scripts.benchmarks.resampling

Milliseconds are medians, ratios the medians of the ratios of neighbouring runs. ``difference`` is the largest one.
"""

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
from pipeline.runtime.environment import PASSIVE_THREADS

os.environ.update({**PASSIVE_THREADS, **os.environ})

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.config import CameraRates
from pipeline.image import resize
from pipeline.motion.camera import move, sampling_grid
from pipeline.motion.rates import similarity
from pipeline.motion.sampling_grid import sample_mirrored

SIZES = [((360, 640), (240, 432)), ((360, 640), (108, 189)), ((240, 432), (360, 640)), ((108, 189), (360, 640))]
RUNS = 30

Job = Callable[[], Tensor]


def compare(name: str, theirs: Job, ours: Job) -> None:
    """Print the time of both jobs, in turns."""
    times: list[tuple[float, float]] = []
    for _ in range(RUNS):
        marks = [time.perf_counter()]
        for job in (theirs, ours):
            job()
            marks.append(time.perf_counter())
        times.append((marks[1] - marks[0], marks[2] - marks[1]))
    one, other = (1000 * median(column) for column in zip(*times, strict=True))
    ratio = median(after / before for before, after in times)
    difference = float((theirs() - ours()).abs().max())
    print(f"{name:34}  torch {one:6.2f} ms  products {other:6.2f} ms  ratio {ratio:.2f}  difference {difference:.0e}")


def main() -> None:
    for before, after in SIZES:
        frame = torch.rand(1, 3, *before)
        name = "{1}x{0} -> {3}x{2}".format(*before, *after)
        compare(
            name, partial(F.interpolate, frame, after, mode="bicubic", antialias=True), partial(resize, frame, after)
        )
    canvas, rates = torch.rand(1, 6, 360, 640), CameraRates(zoom=1.5)

    def sampled() -> Tensor:
        return sample_mirrored(canvas, sampling_grid(*similarity(rates, (640, 360), 1 / 24), rates.center, canvas))

    compare("a zoom of six channels, 640x360", sampled, lambda: move(canvas, rates, 1 / 24))


if __name__ == "__main__":
    main()
