"""Renders the same film at several sizes and prints how alike neighbours are.

    python scripts/compare_sizes.py
    python scripts/compare_sizes.py --heights 90 180 --frames 48 --sheet sizes.jpg preset=kaleidoscope

Every frame is reduced to 320×180, low-passed with a Gaussian of ``--sigma`` pixels and compared by the correlation of
its values: 1 is the same composition, 0 an unrelated one. ``--sheet`` saves the last frames side by side.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.media.decode.probe import decode

Frame = NDArray[np.uint8]
WIDTH, HEIGHT = 320, 180  # pixels at which frames are compared


def render(height: int, frames: int, words: list[str], folder: Path) -> list[Frame]:
    """The frames ``(height, 16 / 9 height, 3)`` of the film at this height."""
    path = folder / f"{height}.mkv"
    size = [f"frame.width={round(height * 8 / 9) * 2}", f"frame.height={height}", f"duration={frames}f"]
    command = [sys.executable, "-m", "pipeline.render", *words, *size, "encode=ffv1", f"output={path}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return list(decode(path))


def correlation(one: Frame, other: Frame, sigma: float) -> float:
    """The correlation of two frames of any sizes, reduced and low-passed."""
    low = []
    for frame in (one, other):
        small = cv2.resize(frame, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32)
        low.append(cv2.GaussianBlur(small, (0, 0), sigma).ravel())
    return float(np.corrcoef(*low)[0, 1])


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--heights", type=int, nargs="+", default=[180, 360, 720, 1080])
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--sigma", type=float, default=4.0)
    parser.add_argument("--sheet", type=Path)
    options, words = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        films = [render(h, options.frames, words or ["preset=fractal_zoom"], Path(folder)) for h in options.heights]
    for index in range(1, len(films)):
        pairs = zip(films[index - 1], films[index], strict=True)
        values = [correlation(one, other, options.sigma) for one, other in pairs]
        names = f"{options.heights[index - 1]}/{options.heights[index]}"
        print(f"{names:>10}  first {values[0]:.3f}  last {values[-1]:.3f}  lowest {min(values):.3f}")
    if options.sheet:
        last = [cv2.resize(film[-1], (400, 225), interpolation=cv2.INTER_AREA)[..., ::-1] for film in films]
        cv2.imwrite(str(options.sheet), np.hstack(last), [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main()
