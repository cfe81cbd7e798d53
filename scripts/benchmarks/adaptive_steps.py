"""The curve of quality against time: the same warm shots with fixed settings and with ``dream.adaptive``.

    python -m scripts.benchmarks.adaptive_steps         MotifNet, 192×108, two to three minutes on a quiet machine
    python -m scripts.benchmarks.adaptive_steps --network squeezenet1_0=FILE --size 320x180 --sheets FOLDER

All shots go on from one warm canvas. Columns, over the last third of the frames: *kpixels*, passed forward and back per
frame, exact; *cpu*, milliseconds of processor time per frame; *seen*, the target's activation; *seen ½*, the same at
half the size, where the larger motifs are; *flicker*, the mean absolute difference between a frame and the one before
it moved by the camera, in thousandths; *beat*, the deviation of this from frame to frame.
"""

import os
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import mean, pstdev

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the program sets them
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import torch
from PIL import Image
from torch import Tensor

from pipeline.config import DreamConfig
from pipeline.dream.dreamer import Dreamer
from pipeline.dream.objective import Objective
from pipeline.dream.target_measures import View
from pipeline.image import fit, resize
from pipeline.motion import camera
from pipeline.targets.target import Target
from scripts.benchmarks import options
from scripts.benchmarks.options import FRAMES
from scripts.benchmarks.workload import Subject, subject

WARM = 24  # hidden dreams before the shots
CAMERAS = {"still": 1.0, "slow": 1.15, "fast": 3.0}  # zoom, × per second
THRIFTS = (3.0, 6.0, 12.0)
SHOWN = 6  # frames in a row of a sheet


@dataclass(frozen=True)
class Point:
    """One setting's place on the curve; see above."""

    kpixels: float
    cpu: float
    seen: float
    seen_half: float
    flicker: float
    beat: float


class Counting(Objective):
    """An objective that counts the pixels that go forward and back."""

    pixels = 0

    def figures(
        self,
        picture: Tensor,
        targets: Iterable[Target],
        size: tuple[int, int],
        shift: tuple[int, int] = (0, 0),
        views: Mapping[str, View] | None = None,
        indices: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        self.pixels += picture.shape[2] * picture.shape[3] if torch.is_grad_enabled() else 0
        return super().figures(picture, targets, size, shift, views, indices)


def settings(dream: DreamConfig) -> dict[str, DreamConfig]:
    """What is compared, by name."""
    fixed = {f"{steps} step{'s' * (steps > 1)}": replace(dream, steps=steps) for steps in (1, 2, 3)}
    fewer = {f"octaves={count}": replace(dream, octaves=count) for count in (1, 2)}
    thrifty = {f"thrift={thrift:g}": replace(dream, adaptive=True, thrift=thrift) for thrift in THRIFTS}
    more = {f"2 steps, thrift={THRIFTS[1]:g}": replace(dream, steps=2, adaptive=True, thrift=THRIFTS[1])}
    return {**fixed, **fewer, **thrifty, **more}


def curve(
    of: Subject,
    dreams: Mapping[str, DreamConfig],
    zoom: float,
    frames: int,
    warm: Tensor,
    sheet: Path | None = None,
) -> dict[str, Point]:
    """The points of settings, by name, for a shot with this zoom (× per second) that goes on from the canvas ``warm``.

    Each is printed as it comes; ``sheet`` is a picture of their last frames, a row for each.
    """
    found, rows = {}, []
    for name, dream in dreams.items():
        objective = Counting(of.network)
        shot = replace(of.shot(), dreamer=Dreamer(objective, dream, min(of.size)), frames=frames + 1)
        made, settled = [], frames - frames // 3
        for step in shot.render(warm, first=1):
            made.append(step.frame)
            if step.index == settled:
                objective.pixels, cpu = 0, time.process_time()
        spent = (objective.pixels / 1e3, 1e3 * (time.process_time() - cpu))
        found[name] = point(of, zoom, made[settled:], *(each / (frames - settled) for each in spent))
        rows.append(torch.cat(made[-SHOWN:], dim=3))
        print(f"{'':8}{name:20}" + "".join(f"{value:10.2f}" for value in vars(found[name]).values()), flush=True)
    if sheet is not None:
        picture = torch.cat(rows, dim=2)[0].permute(1, 2, 0).mul(255).round().byte()
        Image.fromarray(picture.cpu().numpy()).save(sheet)
    return found


def point(of: Subject, zoom: float, frames: list[Tensor], kpixels: float, cpu: float) -> Point:
    """The figures of the frames ``(1, 3, H, W)``."""
    objective, still = Objective(of.network), {"rotate": 0.0, "pan": (0.0, 0.0), "center": (0.5, 0.5)}
    halved = [resize(frame, fit(of.size, min(of.size) / 2)) for frame in frames]
    changes = []
    for before, after in pairwise(frames):
        moved = camera.move(before, zoom=zoom, seconds=1 / float(of.plan.fps), **still)  # type: ignore[arg-type]
        changes.append(1e3 * float((after - moved).abs().mean()))
    return Point(
        kpixels,
        cpu,
        mean(objective.activation(frame, of.target) for frame in frames),
        mean(objective.activation(frame, of.target) for frame in halved),
        mean(changes),
        pstdev(changes),
    )


def measure(
    given: str,
    size: tuple[int, int],
    folder: Path,
    *,
    device: str = "auto",
    frames: int = FRAMES,
    sheets: Path | None = None,
) -> dict[str, dict[str, dict[str, float]]]:
    """All curves of a network at this size (h, w), printed as they come: camera → setting → figures."""
    found = {}
    heads = ("kpixels", "cpu ms", "seen", "seen ½", "flicker", "beat")
    print(f"{given:28}" + "".join(f"{head:>10}" for head in heads))
    for name, zoom in CAMERAS.items():
        of = subject(given, size, folder, device=device, more=[f"camera.zoom={zoom}", f"start.steps={WARM}"])
        *_, warm = of.shot().begin()
        print(name)
        dreams = settings(of.plan.config.dream)
        points = curve(of, dreams, zoom, frames, warm, sheets / f"{name}.png" if sheets else None)
        found[name] = {setting: vars(point) for setting, point in points.items()}
    return found


def main() -> None:
    """Measure and print."""
    options.film(
        __doc__ or "",
        measure,
        "of each shot",
        "folder for the last frames of all settings, one picture a camera",
    )


if __name__ == "__main__":
    sys.exit(options.answer(main))
