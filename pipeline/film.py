"""A film: the shot's frames into one finished video, with its contact sheet and its record beside it."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from pipeline import record
from pipeline.config import RenderConfig, settings
from pipeline.device import choose_device, choose_precision, device_words
from pipeline.dream import zoo
from pipeline.dream.dreamer import Dreamer
from pipeline.dream.network import Network
from pipeline.dream.objective import Objective
from pipeline.errors import ConfigError, Interrupted
from pipeline.media.encoder import Encoder, check_output, finish
from pipeline.media.poster import Poster
from pipeline.plan import Plan
from pipeline.progress import Progress, say
from pipeline.score import score
from pipeline.score.score import Limits
from pipeline.shot import Shot
from pipeline.source import open_footage
from pipeline.start import first_canvas
from pipeline.stop import Stop


@dataclass(frozen=True)
class Film:
    """Where the finished files are."""

    video: Path
    poster: Path
    record: Path


def render(plan: Plan) -> Film:
    """Render the whole film. Nothing stands under its final names unless it is complete.

    Raises RenderError kinds, and Interrupted when the user stopped; what was rendered until then stays under a name
    of its own.
    """
    config = plan.config
    check_output(plan.video, config.overwrite)
    for note in plan.notes:
        say(f"note: {note}")
    device = choose_device(config.device)
    seeing = zoo.build(config.network)
    seeing.to(device, choose_precision(config.precision, device), config.network.channels_last)
    shot = build_shot(plan, seeing)
    canvas = first_canvas(config.start, shot.size, config.seed, shot.index).to(device)
    poster, stop = Poster(plan.frames, fps=float(plan.fps)), Stop()
    with ExitStack() as stack:
        shot = _over_footage(plan, shot, device, stack)
        encoder = stack.enter_context(_encoder(plan))
        stack.enter_context(stop)
        canvas = _warm_up(shot, canvas, stop)
        began = time.monotonic()
        with Progress(plan.frames, plan.video.stem) as progress:
            for step in shot.render(canvas):
                encoder.write(step.frame)
                poster.offer(step.index, step.frame)
                progress.step(step.label)
                if stop.asked:
                    break
        seconds = time.monotonic() - began
    made = record.make_record(config, seeing.weights, device_words(device), encoder.frames, seconds)
    text = record.as_text(made)
    if encoder.frames < plan.frames:
        _keep_interrupted(plan, encoder, text)
    sound = plan.stretch.sound(plan.frames, config.audio) if plan.stretch else None
    finish(encoder.part, plan.video, record=text, title=plan.video.stem, overwrite=config.overwrite, sound=sound)
    poster.save(plan.poster)
    _write_text(plan.record, text)
    return Film(plan.video, plan.poster, plan.record)


def _over_footage(plan: Plan, shot: Shot, device: torch.device, stack: ExitStack) -> Shot:
    """The shot over the plan's footage, where there is some; ``stack`` closes it."""
    if plan.stretch is None:
        return shot
    source, flow = plan.config.source, plan.config.flow
    opened = open_footage(plan.stretch, source, flow, size=shot.size, frames=plan.frames, device=device)
    return replace(shot, footage=stack.enter_context(opened), ripen=flow.ripen)


def _warm_up(shot: Shot, canvas: Tensor, stop: Stop) -> Tensor:
    """The canvas that frame 0 starts from."""
    if not shot.start.steps or shot.opening or shot.footage is not None:
        return canvas
    with Progress(shot.start.steps, "warming up") as progress:
        for grown in shot.begin(canvas):
            canvas = grown
            progress.step()
            if stop.asked:
                raise Interrupted("stopped before the first frame; nothing was written")
    return canvas


def _keep_interrupted(plan: Plan, encoder: Encoder, text: str) -> NoReturn:
    kept = plan.video.with_name(f"{plan.video.stem}.interrupted{plan.video.suffix}")
    finish(encoder.part, kept, record=text, title=plan.video.stem, overwrite=True)
    raise Interrupted(f"stopped after {encoder.frames} of {plan.frames} frames, which are in {kept}")


def build_shot(plan: Plan, seeing: Network) -> Shot:
    """The plan's shot on this network, every target checked against it."""
    config = plan.config
    short_side = min(plan.height, plan.width)
    objective = Objective(seeing)
    dreamer = Dreamer(objective, replace(config.dream, octaves=plan.octaves), short_side)
    scales = dreamer.scales(short_side)
    curves = _curves(config)
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
        keys=config.score.keys,
        curves={name: written for name, (written, _) in curves.items()},
        limits={name: limits for name, (_, limits) in curves.items()},
        scales=scales,
    )
    for target in played.targets():
        objective.check(target)
    _check_octaves(dreamer, scales, dict.fromkeys(played.targets(), 1.0), short_side)
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


def _check_octaves(dreamer: Dreamer, scales: list[float], targets: dict[str, float], short_side: int) -> None:
    """Say once that some octaves are too small to be seen; ConfigError when all are."""
    kept = [scale for scale in scales if dreamer.fits(scale, targets)]
    if not kept:
        raise ConfigError("frame.height", short_side, "the network needs a larger frame to see these targets")
    if len(kept) < len(scales):
        say(f"note: the frame is small for {len(scales)} octaves; dreaming with {len(kept)}")


def _curves(config: RenderConfig) -> dict[str, tuple[Any, Limits]]:
    """Every number that the score may move, by its name: how it is written, and its least and greatest value."""
    found: dict[str, tuple[Any, Limits]] = {}
    for key, item, value in settings(config):
        if item.metadata["curve"]:
            limits = (item.metadata["low"], item.metadata["high"])
            pair = zip("xy", value, strict=True) if isinstance(value, list) else [("", value)]
            found |= {f"{key}.{axis}".rstrip("."): (written, limits) for axis, written in pair}
    return found


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
