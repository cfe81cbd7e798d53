"""A film: the shot's frames into one finished video, with its contact sheet and its record beside it."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline import record
from pipeline.config import RenderConfig
from pipeline.device import choose_device, choose_precision, device_words
from pipeline.dream import network
from pipeline.dream.dreamer import Dreamer
from pipeline.dream.network import Network
from pipeline.dream.objective import Objective
from pipeline.media.encoder import Encoder, check_output, finish
from pipeline.media.poster import Poster
from pipeline.plan import Plan
from pipeline.progress import Progress, say
from pipeline.score import score
from pipeline.shot import Shot
from pipeline.start import first_canvas


@dataclass(frozen=True)
class Film:
    """Where the finished files are."""

    video: Path
    poster: Path
    record: Path


def render(plan: Plan) -> Film:
    """Render the whole film. Nothing stands under its final names unless it is complete.

    Raises RenderError kinds; KeyboardInterrupt passes through after the unfinished file is taken away.
    """
    config = plan.config
    check_output(plan.video, config.overwrite)
    device = choose_device(config.device)
    seeing = network.build(config.network)
    seeing.to(device, choose_precision(config.precision, device), config.network.channels_last)
    shot = build_shot(plan, seeing)
    canvas = first_canvas(config.start, shot.size, config.seed, shot.index).to(device)
    poster = Poster(plan.frames)
    with ExitStack() as stack:
        encoder = stack.enter_context(_encoder(plan))
        if shot.start.steps and not shot.opening:
            warmup = stack.enter_context(Progress(shot.start.steps, "unfolding"))
            for grown in shot.begin(canvas):
                canvas = grown
                warmup.step()
        began = time.monotonic()
        progress = stack.enter_context(Progress(plan.frames, plan.video.stem))
        for step in shot.render(canvas):
            encoder.write(step.frame)
            poster.offer(step.index, step.frame)
            progress.step(step.label)
        seconds = time.monotonic() - began
    text = record.as_text(record.make_record(config, seeing.weights, device_words(device), plan.frames, seconds))
    finish(encoder.part, plan.video, record=text, title=plan.video.stem, overwrite=config.overwrite)
    poster.save(plan.poster)
    _write_text(plan.record, text)
    return Film(plan.video, plan.poster, plan.record)


def build_shot(plan: Plan, seeing: Network) -> Shot:
    """The plan's shot on this network, every target checked against it."""
    config = plan.config
    short_side = min(plan.height, plan.width)
    objective = Objective(seeing)
    dreamer = Dreamer(objective, replace(config.dream, octaves=plan.octaves), short_side)
    scales = dreamer.scales(short_side, 1)
    played = score.build(
        kind=config.score.kind,
        targets=config.score.targets or config.network.targets,
        layers=config.score.layers or config.network.layers,
        draw=config.score.draw,
        hold=config.score.hold,
        fade=config.score.fade,
        seed=config.seed,
        shot=0,
        fps=plan.fps,
        duration=plan.frames / float(plan.fps),
        channels=seeing.channels,
        curves=_curves(config),
        scales=scales,
    )
    for target in played.targets():
        objective.check(target)
    kept = dreamer.scales(short_side, objective.smallest(dict.fromkeys(played.targets(), 1.0)))
    if len(kept) < len(scales):
        say(f"note: the frame is small for {len(scales)} octaves; dreaming with {len(kept)}")
    return Shot(
        start=config.start,
        score=played,
        dreamer=dreamer,
        size=(plan.height, plan.width),
        fps=float(plan.fps),
        frames=plan.frames,
        opening=plan.opening,
        seed=config.seed,
    )


def _curves(config: RenderConfig) -> Mapping[str, str | float]:
    """Every number that the score may move, by its name."""
    camera = config.camera
    return {
        "camera.zoom": camera.zoom,
        "camera.rotate": camera.rotate,
        "camera.pan.x": camera.pan[0],
        "camera.pan.y": camera.pan[1],
        "camera.center.x": camera.center[0],
        "camera.center.y": camera.center[1],
        "dream.strength": config.dream.strength,
    }


def _encoder(plan: Plan) -> Encoder:
    return Encoder(
        plan.video,
        width=plan.width,
        height=plan.height,
        fps=plan.fps,
        quality=plan.config.encode.quality,
    )


def _write_text(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
