"""A film: the shot's frames into one finished video, with its contact sheet and its record beside it."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor

from pipeline import record
from pipeline.composition import compose, guide_layer, kin_of
from pipeline.device import choose_device, choose_precision, device_words
from pipeline.dream import zoo
from pipeline.dream.dreamer import Dreamer
from pipeline.dream.mask import Masks
from pipeline.dream.network import Network
from pipeline.dream.objective import Objective
from pipeline.dream.pyramid import fit
from pipeline.errors import ConfigError, DreamError, EncoderError, Interrupted
from pipeline.media.assemble import assemble
from pipeline.media.codecs import segment_suffix, standing
from pipeline.media.encoder import Encoder
from pipeline.media.poster import Poster
from pipeline.media.stills import load_still
from pipeline.plan import Plan
from pipeline.progress import Progress, say
from pipeline.sheet import write
from pipeline.shot import Shot
from pipeline.source import open_footage
from pipeline.start import first_canvas
from pipeline.stop import Stop

GUIDE_SIDE = 224  # pixels on the short side of guides and masks


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
    for note in plan.notes:
        say(f"note: {note}")
    device = choose_device(config.device)
    seeing = zoo.build(config.network)
    seeing.to(device, choose_precision(config.precision, device), config.network.channels_last)
    shot = build_shot(plan, seeing)
    poster, failure = Poster(plan.frames, fps=float(plan.fps)), None
    with ExitStack() as stack:
        stop = stack.enter_context(Stop())
        shot = _over_footage(plan, shot, device, stack)
        with _encoder(plan) as encoder:
            canvas = _warm_up(shot, stop)
            began = time.monotonic()
            try:
                _render_frames(shot, canvas, plan, encoder, poster, stop)
            except Exception as error:  # whatever it was, the frames before it are kept
                if not encoder.frames or isinstance(error, EncoderError):
                    raise
                failure = error
            seconds = time.monotonic() - began
        text = record.as_text(record.make_record(config, seeing.weights, device_words(device), encoder.frames, seconds))
        if failure is not None or encoder.frames < plan.frames:
            _keep_interrupted(plan, encoder, text, failure)
        _finish(plan, encoder, plan.video, text, overwrite=config.overwrite)
        poster.save(plan.poster)
        write(plan.record, text.encode())
    return Film(plan.video, plan.poster, plan.record)


def _over_footage(plan: Plan, shot: Shot, device: torch.device, stack: ExitStack) -> Shot:
    """The shot over the plan's footage, where there is some; ``stack`` closes it."""
    if plan.stretch is None:
        return shot
    source, flow = plan.config.source, plan.config.flow
    opened = open_footage(plan.stretch, source, flow, size=shot.size, frames=plan.frames, device=device)
    return replace(shot, footage=stack.enter_context(opened), ripen=flow.ripen)


def _render_frames(shot: Shot, canvas: Tensor, plan: Plan, encoder: Encoder, poster: Poster, stop: Stop) -> None:
    """Every frame to the encoder, until all are done or the user stops."""
    with Progress(plan.frames, plan.video.stem) as progress:
        for step in shot.render(canvas):
            encoder.write(step.frame)
            poster.offer(step.index, step.frame)
            progress.step(step.label)
            if stop.asked:
                return


def _warm_up(shot: Shot, stop: Stop) -> Tensor:
    """The canvas that frame 0 starts from."""
    canvas = shot.canvas
    if not shot.start.steps or shot.opening or shot.footage is not None:
        return canvas
    with Progress(shot.start.steps, "warming up") as progress:
        for grown in shot.begin():
            canvas = grown
            progress.step()
            if stop.asked:
                raise Interrupted("stopped before the first frame; nothing was written")
    return canvas


def _finish(plan: Plan, encoder: Encoder, final: Path, text: str, *, overwrite: bool) -> None:
    """Give the encoded pictures their name, with the footage's sound; without it rather than not at all."""
    sound = plan.stretch.sound(encoder.frames, plan.config.audio) if plan.stretch else None
    finishing = partial(
        assemble,
        [encoder.part],
        final,
        encode=plan.config.encode,
        width=plan.width,
        height=plan.height,
        fps=plan.fps,
        frames=encoder.frames,
        record=text,
        title=plan.video.stem,
        overwrite=overwrite,
    )
    try:
        finishing(sound=sound)
    except EncoderError as error:
        if sound is None:
            raise
        say(f"note: the sound could not be laid under the pictures and is left out ({error})")
        finishing(sound=None)
    encoder.part.unlink()


def _keep_interrupted(plan: Plan, encoder: Encoder, text: str, failure: Exception | None) -> NoReturn:
    """Give the frames there are a name of their own, then say why there are no more."""
    number, kept = 1, plan.video.with_name(f"{plan.video.stem}.interrupted{plan.video.suffix}")
    while kept.exists():
        number += 1
        kept = plan.video.with_name(f"{plan.video.stem}.interrupted-{number}{plan.video.suffix}")
    _finish(plan, encoder, kept, text, overwrite=False)
    where = f"after {encoder.frames} of {plan.frames} frames, which are in {kept}"
    if failure is None:
        raise Interrupted(f"stopped {where}")
    say(f"note: it ended {where}")
    if isinstance(failure, torch.OutOfMemoryError):
        advice = "try a smaller frame, fewer dream.octaves or precision=bfloat16"
        raise DreamError(f"the device ran out of memory; {advice}") from failure
    raise failure


def build_shot(plan: Plan, seeing: Network) -> Shot:
    """The plan's shot on this network, every target checked against it."""
    config = plan.config
    short_side = min(plan.height, plan.width)
    kin = kin_of(config.network, seeing.weights.sha256, seeing.named)
    played = compose(plan, seeing.named, kin.neighbours)
    objective = Objective(seeing, _pictures(plan.guides, plan), guide_layer(config))
    masks = Masks(_pictures(plan.masks, plan))
    canvas = first_canvas(config.start, (plan.height, plan.width), config.seed, 0)
    start_tone = (float(canvas.mean()), float(canvas.std())) if config.start.kind == "image" else None
    dreamer = Dreamer(objective, replace(config.dream, octaves=plan.octaves), short_side, masks, start_tone)
    for target in played.targets():
        objective.check(target)
    _check_octaves(dreamer, plan.scales(), dict.fromkeys(played.targets(), 1.0), short_side)
    return Shot(
        start=config.start,
        canvas=canvas.to(seeing.device),
        score=played,
        dreamer=dreamer,
        size=(plan.height, plan.width),
        fps=float(plan.fps),
        frames=plan.frames,
        opening=plan.opening,
        seed=config.seed,
        mask=config.dream.mask,
    )


def _check_octaves(dreamer: Dreamer, scales: list[float], targets: dict[str, float], short_side: int) -> None:
    """Say once that some octaves are too small to be seen; ConfigError when a target fits none."""
    kept = [scale for scale in scales if dreamer.fits(scale, targets)]
    blind = [target for target in targets if not dreamer.fits(max(scales), {target: 1.0})]
    if blind:
        needs = dreamer.least({blind[0]: 1.0})
        least = f"the shorter side has {short_side} pixels; to see {blind[0]} the network needs {needs}"
        raise ConfigError("frame.width, frame.height", short_side, least)
    if len(kept) < len(scales):
        say(f"note: the frame is small for {len(scales)} octaves; some targets are dreamed with {max(1, len(kept))}")


def _pictures(files: frozenset[str], plan: Plan) -> dict[str, Tensor]:
    """Guides and masks by file, ``(1, 3, h, w)`` in the frame's shape, no larger than they need be."""
    height, width = fit((plan.height, plan.width), min(GUIDE_SIDE, plan.height, plan.width))
    return {file: load_still(Path(file), width=width, height=height) for file in sorted(files)}


def _encoder(plan: Plan) -> Encoder:
    codec = plan.config.encode.codec
    return Encoder(
        standing(plan.video, codec).with_suffix(segment_suffix(codec)),
        width=plan.width,
        height=plan.height,
        fps=plan.fps,
        encode=plan.config.encode,
    )
