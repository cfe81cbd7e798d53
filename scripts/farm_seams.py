"""Flicker where chunks of footage meet (farm.chunk), against the same film in one piece.

    python scripts/farm_seams.py --clip clip.mp4 --folder seams farm.chunk=10s farm.pre_roll=2s [settings …]

Renders the clip twice, in one piece and in chunks. *flicker* of a frame: the mean absolute difference between what the
dream added to it and what it added to the frame before, in thousandths; clips without motion of the camera suit this.
"at seams" is the mean over the first frames of chunks; "around" that over the 12 frames before and after each.
"""

import argparse
import sys
from pathlib import Path

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray

from pipeline.api import Film
from pipeline.media.decode.probe import decode
from pipeline.plan.chunks import plan_chunks

AROUND = 12  # frames before and after a seam


def flicker(path: Path, clip: Path) -> NDArray[np.float64]:
    """Per frame; 0 for the first."""
    values, before = [0.0], None
    for shown, source in zip(decode(path), decode(clip), strict=False):
        added = shown.astype(np.float32) - source
        if before is not None:
            values.append(float(np.abs(added - before).mean() / 255 * 1000))
        before = added
    return np.array(values)


def main() -> None:
    """Render both and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options, words = parser.parse_known_args()
    plain = [word for word in words if not word.startswith("farm.")]
    common = ["source=video", f"source.path={options.clip}", "frame.fps=source", "audio=none", "encode.quality=best"]
    films = {"piece": Film(*common, *plain), "chunks": Film(*common, *words)}
    shot = films["chunks"].plan.shots[0]
    seams = [first for first, _ in plan_chunks(shot)]
    cuts = shot.footage.cuts(shot.frames) if shot.footage else ()
    print(f"{shot.frames} frames; chunks begin at {seams}; dreamed from {[begin for _, begin in plan_chunks(shot)]}")
    print(f"{'':8}{'at seams':>10}{'around':>10}{'ratio':>8}{'worst':>8}")
    for name, film in films.items():
        path = film.render(options.folder / f"{name}.mp4")
        values = flicker(path, options.clip)
        near = {n for seam in seams for n in range(seam - AROUND, seam + AROUND + 1)} - set(seams) - set(cuts)
        at, around = values[seams].mean(), values[[n for n in near if 0 < n < len(values)]].mean()
        print(f"{name:8}{at:>10.2f}{around:>10.2f}{at / around:>8.2f}{values[seams].max() / around:>8.2f}")


if __name__ == "__main__":
    main()
