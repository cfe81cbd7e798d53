"""Image quality: the same short film in every precision, memory layout and tiling, compared with float32.

    python -m scripts.benchmarks.image_quality --sheets FOLDER     MotifNet, 192×108, a minute on a quiet machine
    python -m scripts.benchmarks.image_quality --network squeezenet1_0=FILE --size 320x180 --sheets FOLDER

All films begin with the same noise. Columns: *first*, the likeness of the first frame to that of the film in float32
(PSNR in dB; films drift apart after that, since each frame follows from the one before); over the last third of the
frames, judged in float32: *seen*, the target's activation, *seen ½*, the same at half the size, *flicker* along the
camera's motion, in thousandths. The sheet has a row for each way, from the first frame to the last.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
from pipeline.runtime.environment import PASSIVE_THREADS

os.environ.update({**PASSIVE_THREADS, **os.environ})

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from pipeline.config import CameraRates
from pipeline.dream.weighted_objective import Objective
from pipeline.image import fit, resize
from pipeline.motion import camera
from scripts.benchmarks import options
from scripts.benchmarks.options import FRAMES
from scripts.benchmarks.workload import Subject, subject

ZOOM_RATE = 1.3  # × per second
SHEET_FRAMES = 5  # frames of a row
EXACT = ("precision=float32", "network.channels_last=false", "dream.tile=never")
VARIANTS = {
    "float32": EXACT,
    "auto": (),
    "channels last": ("precision=float32", "network.channels_last=true", "dream.tile=never"),
    "tiles": (*EXACT[:2], "dream.tile={tile}"),
}
MIN_TILE = 64  # pixels
LABEL_PIXELS = 14


def measure(
    given: str,
    size: tuple[int, int],
    folder: Path,
    *,
    device: str = "auto",
    frames: int = FRAMES,
    sheets: Path | None = None,
) -> dict[str, dict[str, Any]]:
    """Figures of each variant at this size (h, w), printed as they come. ``sheets`` is a folder for a sheet."""
    print(f"\n{f'pictures of {given}':40}" + "".join(f"{head:>10}" for head in ("first", "seen", "seen ½", "flicker")))
    films: dict[str, list[Tensor]] = {}
    results: dict[str, dict[str, Any]] = {}
    judge: Subject | None = None
    for name, words in VARIANTS.items():
        more = [f"camera.zoom={ZOOM_RATE}", *(word.format(tile=max(MIN_TILE, min(size) // 2)) for word in words)]
        of = subject(given, size, folder, device=device, more=more)
        judge = judge or of
        title = f"{name} ({_arithmetic(of)})"
        films[title] = film(of, frames)
        first = likeness(films[title][0], next(iter(films.values()))[0])
        results[title] = {"first": first, **quality(judge, films[title][frames * 2 // 3 :])}
        shown = (f"{value:.2f}" if isinstance(value, float) else value for value in results[title].values())
        print(f"{'':4}{title:36}" + "".join(f"{value:>10}" for value in shown), flush=True)
    if sheets is not None:
        sheet(films, sheets / f"pictures-{given.partition('=')[0]}.png")
    return results


def _arithmetic(of: Subject) -> str:
    """How the subject's network computes: ``bfloat16, channels last``."""
    return str(of.network.precision).removeprefix("torch.") + ", channels last" * of.network.channels_last


def film(of: Subject, frames: int) -> list[Tensor]:
    """The first frames of the subject's film, ``(1, 3, H, W)`` each, on the CPU."""
    shot = of.shot()
    steps = shot.render(shot.canvas)
    return [next(steps).frame.cpu() for _ in range(frames)]


def quality(of: Subject, frames: Sequence[Tensor]) -> dict[str, float]:
    """The target's mean activation in frames ``(1, 3, H, W)`` at full and at half size, and their mean flicker."""
    objective, rates = Objective(of.network), CameraRates(zoom=ZOOM_RATE)
    halved = [resize(frame, fit(of.size, min(of.size) / 2)) for frame in frames]
    changes = []
    for before, after in pairwise(frames):
        moved = camera.move(before, rates, 1 / float(of.plan.fps))
        changes.append(1e3 * float((after - moved).abs().mean()))
    return {
        "seen": mean(objective.activation(frame, of.target) for frame in frames),
        "seen_half": mean(objective.activation(frame, of.target) for frame in halved),
        "flicker": mean(changes),
    }


def likeness(one: Tensor, other: Tensor) -> float | str:
    """Peak signal to noise ratio of two pictures in [0, 1], in dB; words where they are the same."""
    if torch.equal(one, other):
        return "the same"
    return float(-10 * (one - other).square().mean().log10())


def sheet(films: Mapping[str, Sequence[Tensor]], path: Path) -> None:
    """A row for each film of frames ``(1, 3, H, W)``, a few from the first to the last, under its name."""
    height, width = next(iter(films.values()))[0].shape[2:]
    canvas = Image.new("RGB", (SHEET_FRAMES * width, len(films) * (height + LABEL_PIXELS)))
    draw = ImageDraw.Draw(canvas)
    for number, (name, frames) in enumerate(films.items()):
        top = number * (height + LABEL_PIXELS)
        draw.text((4, top + 1), name, fill=(255, 255, 255))
        chosen = [frames[round(place * (len(frames) - 1) / (SHEET_FRAMES - 1))] for place in range(SHEET_FRAMES)]
        joined = torch.cat(chosen, dim=3)[0].permute(1, 2, 0).mul(255).round().byte()
        canvas.paste(Image.fromarray(joined.numpy()), (0, top + LABEL_PIXELS))
    canvas.save(path)


def main() -> None:
    """Measure, print and draw what the command line asks for."""
    options.film(
        __doc__ or "",
        measure,
        "of each film",
        "folder for the frames of all ways, as one picture",
    )


if __name__ == "__main__":
    sys.exit(options.answer(main))
