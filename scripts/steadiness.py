"""Does a long film keep its tone, and is it quiet where the camera stands? Prints both.

    python scripts/steadiness.py                                    900 frames of fractal_zoom at 320×180
    python scripts/steadiness.py --frames 240 --size 192x108 preset=spiral

First a film in parts of 150 frames: mean brightness, contrast (standard deviation) and the share of clipped values,
those within 1/255 of black or white. Then *flicker*: the mean change from frame to frame, values in 0..1, of the same
targets where the camera stands still; with the film's own settings, and with ``dream.detail=1``, which adds as much at
every size of motif.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.media.decode.probe import decode

PART = 150  # frames
STILL_FRAMES, SETTLED = 48, 24  # frames of the films that stand still, and how many of them come first
Frame = NDArray[np.uint8]


def render(path: Path, words: list[str]) -> Iterator[Frame]:
    """The frames of a film with these settings, lossless."""
    command = [sys.executable, "-m", "pipeline.render", *words, "encode=ffv1", f"output={path}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return decode(path)


def tone(frames: list[Frame]) -> tuple[float, float, float]:
    """Mean, standard deviation and clipped share of frames, values in 0..1."""
    values = np.stack(frames)
    clipped = np.mean((values <= 1) | (values >= 254))
    return float(values.mean() / 255), float(np.mean([frame.std() for frame in frames]) / 255), float(clipped)


def flicker(frames: list[Frame]) -> float:
    """The mean absolute change from frame to frame, values in 0..1."""
    changes = [np.abs(after.astype(np.int16) - before).mean() for before, after in pairwise(frames)]
    return float(np.mean(changes) / 255)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=900)
    parser.add_argument("--size", default="320x180", help="width x height in pixels")
    options, words = parser.parse_known_args(arguments)
    size = re.fullmatch(r"(\d+)x(\d+)", options.size)
    if size is None:
        parser.error("--size needs width x height, as in 320x180")
    words = [*(words or ["preset=fractal_zoom"]), f"frame.width={size[1]}", f"frame.height={size[2]}"]
    with tempfile.TemporaryDirectory() as scratch:
        folder, part = Path(scratch), list[Frame]()
        print("frames       mean  contrast  clipped")
        for number, frame in enumerate(render(folder / "long.mkv", [*words, f"duration={options.frames}f"]), 1):
            part.append(frame)
            if number % PART == 0 or number == options.frames:
                mean, contrast, clipped = tone(part)
                print(f"to {number:6}   {mean:5.3f}     {contrast:5.3f}    {clipped:5.3f}", flush=True)
                part = []
        for name, more in (("flicker", []), ("flicker, detail=1", ["dream.detail=1"])):
            still = [*words, "camera=static", "score.hold=60s", f"duration={STILL_FRAMES}f", *more]
            settled = list(render(folder / f"{len(more)}.mkv", still))[SETTLED:]
            print(f"{name:18} {flicker(settled):.4f}", flush=True)


if __name__ == "__main__":
    main()
