"""Flicker of dreams over footage: our method, the usual blending of frames, and each frame dreamed alone.

    python scripts/footage_flicker.py                          synthetic clips with known motion
    python scripts/footage_flicker.py --video clip.mp4         a file, measured along its own estimated motion
    python scripts/footage_flicker.py --sheets folder          also consecutive frames side by side, as PNG

Columns. *flicker*: mean absolute difference between a frame and the one before it warped along the true motion, where
nothing was uncovered, in thousandths; *xsource*: the same relative to the footage's own. *target*: the target's mean
activation in the frames. *steps*: gradient steps per octave and frame. *ghost*: energy of the residual in newly
uncovered places, relative to elsewhere. Each method's strength is set so that its target activation equals ours.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
import torch.nn.functional as F
from hydra import compose, initialize_config_dir
from PIL import Image
from torch import Tensor

from pipeline.cli import compose as command
from pipeline.config import CameraRates, DreamConfig, FlowConfig, RenderConfig
from pipeline.cue import Cue
from pipeline.dream import model_zoo
from pipeline.dream.dreamer import Dreamer
from pipeline.dream.weighted_objective import Objective
from pipeline.media.decode.reader import Reader
from pipeline.media.encode.pixel_format import to_bytes
from pipeline.motion import optical_flow
from pipeline.motion.camera import Camera
from pipeline.motion.footage import Footage
from pipeline.motion.optical_flow import fit, trust, warp
from pipeline.motion.prefetch import Prefetch
from pipeline.plan.footage import ClipLibrary
from pipeline.runtime.seeding import generator
from pipeline.targets.target import Target, parse_target

FPS = 24.0
SKIPPED_FRAMES = 4  # at the start, until every method has settled


@dataclass(frozen=True)
class Clip:
    """Frames ``(1, 3, H, W)``; for each but the first its backward flow and where it is valid ``(1, 1, H, W)``."""

    name: str
    frames: list[Tensor]
    flows: list[Tensor | None]
    valid: list[Tensor | None]
    uncovered: list[Tensor | None]
    cuts: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Method:
    """A method to dream over footage."""

    name: str
    style: str
    kind: str
    persistence: float
    steps: int
    warmup: int


def texture(seed: int, side: int) -> Tensor:
    """Coloured noise of many sizes, as in photographs: ``(1, 3, side, side)``."""
    rng = torch.Generator().manual_seed(seed)
    total = torch.zeros(1, 3, side, side)
    for cells in (4, 8, 16, 32, 64, side // 4):
        grey, tint = torch.randn(1, 1, cells, cells, generator=rng), torch.randn(1, 3, cells, cells, generator=rng)
        layer = F.interpolate(grey + 0.5 * tint, size=(side, side), mode="bicubic", align_corners=False)
        total = total + layer / math.sqrt(cells)
    return (0.45 + 0.18 * total / total.std()).clamp(0, 1)


def pixel_positions(size: tuple[int, int]) -> Tensor:
    """(x, y) of each pixel from the centre, ``(H, W, 2)``."""
    rows = torch.arange(size[0]) + 0.5 - size[0] / 2
    columns = torch.arange(size[1]) + 0.5 - size[1] / 2
    return torch.stack([columns[None, :].expand(size), rows[:, None].expand(size)], dim=2)


def sample(picture: Tensor, at: Tensor) -> Tensor:
    """The texture at positions ``(H, W, 2)`` in pixels from its centre."""
    half = picture.shape[2] / 2
    return F.grid_sample(picture, at[None] / half, mode="bicubic", padding_mode="reflection", align_corners=False)


def camera_clip(name: str, size: tuple[int, int], count: int, turn: complex, drift: complex) -> Clip:
    """A textured plane that rotates and grows by ``turn`` and drifts by ``drift`` pixels every frame."""
    plane, here = texture(3, 4 * max(size)), pixel_positions(size)
    z = torch.complex(here[..., 0], here[..., 1])

    def on_plane(frame: int, point: Tensor) -> Tensor:
        back = (point - drift * frame) / turn**frame
        return torch.stack([back.real, back.imag], dim=2)

    frames = [sample(plane, on_plane(n, z)) for n in range(count)]
    flows: list[Tensor | None] = [None]
    valid: list[Tensor | None] = [None]
    for n in range(1, count):
        back = (z - drift * n) / turn + drift * (n - 1)  # where the point was in frame n − 1, from the centre
        shift = back - z
        flows.append(torch.stack([shift.real, shift.imag])[None])
        inside = (back.real.abs() < size[1] / 2 - 1) & (back.imag.abs() < size[0] / 2 - 1)
        valid.append(inside.float()[None, None])
    return Clip(name, frames, flows, valid, [None] * count)


def disc_clip(size: tuple[int, int], count: int) -> Clip:
    """A textured disc that crosses a still textured plane."""
    plane, coat, here = texture(3, 4 * max(size)), texture(5, 4 * max(size)), pixel_positions(size)
    radius, speed = 0.28 * size[0], torch.tensor([0.022 * size[1], 0.006 * size[0]])
    begin = torch.tensor([-0.3 * size[1], -0.08 * size[0]])

    def covered(n: int) -> Tensor:
        return ((here - begin - speed * n).square().sum(2) < radius**2).float()[None, None]

    back = sample(plane, here)
    frames, flows, valid, uncovered = [], [None], [None], [None]
    for n in range(count):
        on, under = covered(n), sample(coat, here - begin - speed * n)
        frames.append(on * under + (1 - on) * back)
        if n:
            flows.append(-on * speed.view(1, 2, 1, 1))
            newly = covered(n - 1) * (1 - on)
            valid.append(1 - F.max_pool2d(newly + (on - F.avg_pool2d(on, 3, 1, 1)).abs().gt(0.01).float(), 3, 1, 1))
            uncovered.append(newly)
    return Clip("disc", frames, flows, [v if v is None else v.clamp(0, 1) for v in valid], uncovered)


def cut_clip(size: tuple[int, int], count: int) -> Clip:
    """Two scenes with a cut between them."""
    one = camera_clip("", size, count // 2, 1 + 0j, 1.5 + 0.5j)
    two = camera_clip("", size, count - count // 2, 1.01 + 0j, 0j)
    two = replace(two, frames=[frame.flip(2, 3) for frame in two.frames])
    # Frames rotated by 180 degrees have motion rotated by 180 degrees.
    turned = [None if f is None else -f.flip(2, 3) for f in two.flows]
    return Clip(
        "cut",
        one.frames + two.frames,
        one.flows + turned,
        one.valid + [None if v is None else v.flip(2, 3) for v in two.valid],
        [None] * count,
        frozenset({count // 2}),
    )


def film_clip(config: RenderConfig, size: tuple[int, int], count: int) -> Clip:
    """The first frames of a file, with estimated motion."""
    stretch = ClipLibrary(config.limits, ()).plan(config.source, "source")
    assert stretch is not None
    picks = stretch.picks(min(count, stretch.frames))
    frames = list(Reader(stretch.clip, picks, width=size[1], height=size[0]).frames())
    estimate = optical_flow.dis(FlowConfig())
    flows: list[Tensor | None] = [None]
    valid: list[Tensor | None] = [None]
    uncovered: list[Tensor | None] = [None]
    cuts = stretch.cuts(len(frames))
    for n in range(1, len(frames)):
        motion = estimate(frames[n - 1], frames[n])
        flows.append(None if n in cuts else fit(motion.backward, size))
        valid.append(F.interpolate(trust(motion, frames[n - 1], frames[n]), size=size).round())
        uncovered.append(None)
    return Clip(Path(str(config.source.path)).stem, frames, flows, valid, uncovered, cuts)


def dreamed(
    clip: Clip, method: Method, dreamer: Dreamer, config: DreamConfig, target: Target
) -> Iterator[tuple[Tensor, Tensor]]:
    """(canvas before the dream, dreamed frame) for every frame of the clip."""
    flow = FlowConfig(kind=method.kind, style=method.style, persistence=method.persistence, warmup=method.warmup)
    cue = Cue(0.0, CameraRates(), config, flow, lambda _: {target: 1.0}, str(target))
    estimate = optical_flow.dis(flow) if method.kind == "dis" else None
    source = Prefetch(
        lambda first: iter(clip.frames[first:]), estimate, clip.cuts if method.kind == "dis" else frozenset()
    )

    def dream(canvas: Tensor, cue: Cue, mask: Tensor | None, number: int) -> Tensor:
        return dreamer.dream(canvas, cue.targets, cue.dream, 1 / FPS, generator(0, 0, number), mask)

    def warm_up(canvas: Tensor, cue: Cue, mask: Tensor | None, number: int) -> Tensor:
        return dream(canvas, cue, mask, 1000 + number)

    with Footage(source, flow, Camera(lambda index: cue.camera, FPS), warm_up, torch.device("cpu")) as footage:
        canvas = clip.frames[0]
        for n in range(len(clip.frames)):
            before = footage.advance(canvas, cue, n)
            canvas = footage.finish(dream(before, cue, None, n), n)
            yield before, canvas


def flicker(clip: Clip, frames: list[Tensor]) -> float:
    """Mean absolute difference along the true motion, where it is valid."""
    differences = []
    for n in range(max(SKIPPED_FRAMES, 1), len(frames)):
        flow, valid = clip.flows[n], clip.valid[n]
        if flow is not None and valid is not None and n not in clip.cuts:
            difference = (frames[n] - warp(frames[n - 1], flow)).abs() * valid
            differences.append(float(difference.sum() / (3 * valid.sum()).clamp(min=1)))
    return float(np.mean(differences))


def ghost(clip: Clip, befores: list[Tensor]) -> float:
    """Energy per pixel of the residual in uncovered places over that elsewhere; nan if nothing is uncovered."""
    inside = outside = torch.zeros(())
    count_in = count_out = torch.zeros(())
    for n in range(SKIPPED_FRAMES, len(befores)):
        uncovered = clip.uncovered[n]
        if uncovered is None:
            continue
        energy = (befores[n] - clip.frames[n]).square().sum(1, keepdim=True)
        inside, outside = inside + (energy * uncovered).sum(), outside + (energy * (1 - uncovered)).sum()
        count_in, count_out = count_in + uncovered.sum(), count_out + (1 - uncovered).sum()
    if not count_in:
        return math.nan
    return float((inside / count_in) / (outside / count_out + 1e-12))


def match_strength(goal: float, start: float, activation_at: Callable[[float], float], rounds: int) -> float:
    """The strength at which a method reaches the activation ``goal``: bisection of the logarithm."""
    low, high = start / 4, start * 4
    for _ in range(rounds):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if activation_at(middle) < goal else (low, middle)
    return math.sqrt(low * high)


def save_sheet(path: Path, rows: list[list[Tensor]]) -> None:
    """Rows of consecutive frames as one PNG."""
    lines = [np.concatenate([to_bytes(frame) for frame in row], axis=1) for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(lines, axis=0)).save(path)


def clips(options: argparse.Namespace, config: RenderConfig) -> list[Clip]:
    """The clips to measure."""
    size, count = (options.height, options.width), options.frames
    if options.video:
        return [film_clip(config, size, count)]
    turn = complex(math.cos(math.radians(1)), math.sin(math.radians(1)))
    every = {
        "pan": lambda: camera_clip("pan", size, count, 1 + 0j, 2.3 + 0.7j),
        "zoom": lambda: camera_clip("zoom", size, count, 1.012 + 0j, 0j),
        "rotation": lambda: camera_clip("rotation", size, count, turn, 0j),
        "disc": lambda: disc_clip(size, count),
        "cut": lambda: cut_clip(size, count),
    }
    return [draw() for name, draw in every.items() if not options.clips or name in options.clips]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path)
    parser.add_argument("--clips", nargs="*", help="pan, zoom, rotation, disc, cut")
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--height", type=int, default=108)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--network", default="motifnet")
    parser.add_argument("--weights")
    parser.add_argument("--target", default=None, help="the network's first by default")
    parser.add_argument("--rounds", type=int, default=4, help="bisection steps to match strengths")
    parser.add_argument("--sheets", type=Path, help="folder for PNGs")
    parser.add_argument("overrides", nargs="*", help="settings of ours, such as flow.persistence=0.9")
    options = parser.parse_args()
    if options.frames < SKIPPED_FRAMES + 2:
        parser.error(f"--frames must be at least {SKIPPED_FRAMES + 2}: the first {SKIPPED_FRAMES} do not count")
    torch.set_grad_enabled(False)
    arguments = ["+preset=footage", f"network={options.network}", *options.overrides]
    arguments += [f"network.weights={options.weights}"] if options.weights else []
    arguments += [f"source.path='{options.video}'"] if options.video else []
    command.register()
    with initialize_config_dir(str(command.CONF), version_base="1.3"):
        config = command.read(compose("config", arguments))
    measure(options, config)


def measure(options: argparse.Namespace, config: RenderConfig) -> None:
    """Print one line per clip and method."""
    network = model_zoo.build(config.network)
    objective = Objective(network)
    target = parse_target(options.target or str(config.network.default_targets[0]), "network.default_targets")
    our_strength = float(config.dream.strength)
    ours = Method("ours", "residual", "dis", float(config.flow.persistence), config.dream.steps, config.flow.warmup)
    others = [Method("blend 0.5", "blend", "none", 0.5, 5, 0), Method("no blending", "blend", "none", 0.0, 5, 0)]
    strengths = {ours: our_strength}
    title = f"{options.network}, {target}, {options.width}x{options.height}, persistence {ours.persistence:g}"
    print(f"{title}, strength {our_strength:g}")
    print(f"{'clip':10}{'method':13}{'flicker':>8}{'xsource':>9}{'target':>8}{'steps':>7}{'ghost':>8}{'strength':>10}")
    for clip in clips(options, config):
        footage = float(np.mean([objective.activation(frame, target) for frame in clip.frames[SKIPPED_FRAMES:]]))
        base = flicker(clip, clip.frames)
        print(f"{clip.name:10}{'source':13}{1000 * base:8.1f}{1.0:9.2f}{footage:8.2f}{0:7}", flush=True)
        rows, goal = [clip.frames], 0.0
        for method in (ours, *others):
            dream = replace(config.dream, steps=method.steps)
            dreamer = Dreamer(objective, dream)

            def mean_activation(frames: list[Tensor]) -> float:
                return float(np.mean([objective.activation(frame, target) for frame in frames[SKIPPED_FRAMES:]]))

            def trial(
                strength: float,
                method: Method = method,
                dreamer: Dreamer = dreamer,
                dream: DreamConfig = dream,
                clip: Clip = clip,
            ) -> float:
                short = replace(clip, frames=clip.frames[: SKIPPED_FRAMES + 3])
                stronger = replace(dream, strength=strength)
                return mean_activation([frame for _, frame in dreamed(short, method, dreamer, stronger, target)])

            if method is not ours:
                strengths[method] = match_strength(goal, strengths.get(method, 3 * our_strength), trial, options.rounds)
            pairs = list(dreamed(clip, method, dreamer, replace(dream, strength=strengths[method]), target))
            frames, reached = [frame for _, frame in pairs], mean_activation([frame for _, frame in pairs])
            goal = goal or reached
            rate, ghosting = flicker(clip, frames), ghost(clip, [before for before, _ in pairs])
            print(
                f"{'':10}{method.name:13}{1000 * rate:8.1f}{rate / base:9.2f}{reached:8.2f}{method.steps:7}"
                f"{ghosting:8.3f}{strengths[method]:10.2f}",
                flush=True,
            )
            rows.append(frames)
        if options.sheets:
            last = min(len(clip.frames), SKIPPED_FRAMES + 4)
            order = (rows[0], rows[2], rows[1])
            save_sheet(options.sheets / f"{clip.name}.png", [row[last - 4 : last] for row in order])


if __name__ == "__main__":
    main()
