"""From a plan to a shot: network, objective, score, first canvas and stage, with every target checked."""

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from pipeline.config import NetworkConfig, RenderConfig, octave_scales
from pipeline.dream import model_zoo, momentum
from pipeline.dream.dreamer import Dreamer
from pipeline.dream.ensemble import Ensemble
from pipeline.dream.network import Network
from pipeline.dream.precision import Arithmetic, choose_arithmetic, recorded_arithmetic
from pipeline.dream.region_mask import RegionMasks
from pipeline.dream.sphere_dreamer import SphereDreamer
from pipeline.dream.weighted_objective import Objective
from pipeline.errors import ConfigError
from pipeline.image import growth_steps, resize
from pipeline.inputs.depth import depth_of
from pipeline.inputs.first_canvas import begin_at_targets, first_canvas, imagined_canvas
from pipeline.inputs.grade import build_grade
from pipeline.inputs.latent_walk import walk_frames
from pipeline.inputs.mask import read_mask
from pipeline.inputs.pictures import load_pictures
from pipeline.inputs.prior import Prior
from pipeline.media.decode.reader import Reader
from pipeline.motion.camera import Camera
from pipeline.motion.dream_mask import DreamMask
from pipeline.motion.echo import Echo
from pipeline.motion.footage import MAX_WARM_UPS, Footage
from pipeline.motion.loop_closure import LoopClosure, LoopTargets
from pipeline.motion.optical_flow import flow_estimator
from pipeline.motion.prefetch import Prefetch, ReadFrames
from pipeline.motion.sphere_camera import SphereCamera
from pipeline.motion.stage import Opening, Stage, Zoom
from pipeline.motion.views import DomeView, view_of
from pipeline.networks.trained_generator import load_generator
from pipeline.plan.imagine import has_prior
from pipeline.plan.other_networks import companion_config, named_as_typed
from pipeline.plan.score import build_score, guide_layer, neighbours_of
from pipeline.plan.shot_plan import ShotPlan
from pipeline.projection.sphere import enlarge
from pipeline.score.score import Score
from pipeline.score.target_weights import parse_weights, weights_at
from pipeline.shot import Clock, SeededDreamer, Shot
from pipeline.targets.target import Target, TargetWeights
from pipeline.timing.timecode import parse_time

log = logging.getLogger(__name__)


class Networks:
    """The networks of a film, each loaded once, on its device."""

    def __init__(self, device: torch.device, precision: str, deterministic: bool) -> None:
        self.device, self._precision, self._deterministic = device, precision, deterministic
        self.built: dict[tuple[str, Arithmetic], Network] = {}

    def find(self, plan: ShotPlan, before: Mapping[str, Any]) -> Network:
        """The network of a shot; with ``precision=auto`` an unfinished shot keeps that of its spec ``before``."""
        config = plan.config.network
        arithmetic = recorded_arithmetic(before) if self._precision == "auto" else None
        key = repr(config), arithmetic or choose_arithmetic(self._precision, config, self.device)
        if key not in self.built:
            self.built[key] = model_zoo.build(config).to(self.device, *key[1], self._deterministic)
        return self.built[key]


def build_shot(plan: ShotPlan, network: Network, fps: float | None = None, score: Score | None = None) -> Shot:
    """The shot of a plan on this network, every target checked against it; over footage, see ``open_footage``.

    ``fps`` replaces the plan's frame rate; score and camera keep their seconds. ``score`` replaces the plan's.
    """
    config, size, rate = plan.config, (plan.height, plan.width), fps or float(plan.fps)
    shown, view = size, view_of(config.frame, plan.height, depth_of(config.depth, network.device))
    if isinstance(view, DomeView):
        size = (view.side, 2 * view.side)  # of the sphere
    if score is None:
        similar = neighbours_of(config.network, network.weights.sha256, network.named)
        score = build_score(plan, network.named, similar.neighbours)
    objective = _objective(plan, network)
    canvas = first_canvas(config.start, size, config.seed, plan.index)
    if plan.imagine is not None and config.start.kind == "imagine":
        targets = score.octave_weights(0.0, 1.0)
        value = partial(objective.value, targets=targets)
        canvas = imagined_canvas(begin_at_targets(plan.imagine, targets), config, size, value, network.device)
    dreamer = _dreamer(plan, objective, score, canvas)
    if has_source := config.source.kind in ("video", "imagine"):
        flow_estimator(config.flow, network.device)  # checks it before the first frame of the film
    clock = Clock(rate, plan.handles.pre_roll, plan.handles.loop_period)
    opening = plan.opening if fps is None else round(plan.opening / float(plan.fps) * fps)
    camera = replace(_camera(plan, score, clock, network.device), first=max(0, opening - 1))
    zoom = Zoom(camera, size, plan.handles.continues, config.camera.mirror, enlarge if plan.is_sphere else resize)
    growth = list(growth_steps(config.start, size, opening))
    stage: Stage = Opening(growth, zoom) if opening else zoom
    seeded = SeededDreamer(dreamer, 1 / rate, config.seed, plan.index, momentum.is_used(config))
    has_warm_up = not (opening or plan.handles.continues or has_source)
    return Shot(
        canvas=canvas.to(network.device),
        score=score,
        clock=clock,
        stage=_dressed(stage, plan, camera),
        dreamer=replace(seeded, resize=zoom.enlarge, opening=opening, hidden_seconds=plan.hidden_seconds),
        size=shown,
        frames=plan.frames if fps is None else max(1, math.ceil(plan.frames / float(plan.fps) * fps)),
        warm_up=list(growth_steps(config.start, size, config.start.steps)) if has_warm_up else (),
        grade=build_grade(config.color, network.device, is_sphere=plan.is_sphere),
        dream_mask=_dream_mask(plan),
        alpha=config.encode.alpha,
        view=view,
        enlarge=zoom.enlarge,
    )


def _dream_mask(plan: ShotPlan) -> DreamMask | None:
    """The mask of a shot; None where the stage's own needs no change."""
    mask, config = plan.mask, plan.config.mask
    if mask is None and not config.invert and not config.feather:
        return None
    frames = None
    if mask is not None:
        pictures = (mask.video.clip, mask.video.picks(plan.frames)) if mask.video else None
        frames = read_mask(mask.path, pictures, (plan.height, plan.width), by_opacity=config.channel == "alpha")
    return DreamMask(frames, float(plan.fps), config.invert, config.feather)


def open_footage(plan: ShotPlan, shot: Shot, stack: ExitStack, first: int = 0) -> Shot:
    """The shot over the plan's footage, if it has any; ``stack`` closes it, and its mask.

    Reading starts at frame ``first``; each gets the same bits whichever came first. It raises RenderError kinds.
    """
    config, device, footage = plan.config, shot.canvas.device, plan.footage
    if shot.dream_mask is not None:
        stack.callback(shot.dream_mask.close)
    cuts = repeats = frozenset[int]()
    if footage is not None:
        red, green, blue = config.source.background
        size = {"width": plan.width, "height": plan.height}
        read: ReadFrames = Reader(
            footage.clip, footage.picks(plan.frames), **size, background=(red, green, blue)
        ).frames
        cuts, repeats = footage.cuts(plan.frames), footage.repeats(plan.frames)
    elif plan.imagine is not None and config.source.kind == "imagine":
        read = walk_frames(plan.imagine, config.imagine, (plan.height, plan.width), shot.clock, shot.frames)
    else:
        return shot
    frames = Prefetch(read, flow_estimator(config.flow, device), cuts, repeats, still_frames(plan), shot.clock.fps)
    camera = _camera(plan, shot.score, shot.clock, device)
    plain, mask = shot.dreamer.warm_up, shot.dream_mask
    warm_up = plain if mask is None else mask.warm_up(plain, lambda n: shot.clock.seconds(n // MAX_WARM_UPS))
    stage = Footage(frames, config.flow, camera, warm_up, device, first)
    return replace(shot, stage=_dressed(stack.enter_context(stage), plan, camera))


def still_frames(plan: ShotPlan) -> int:
    """After how many frames of rest a place of the footage dreams fully; 0: it always does. Raises ConfigError."""
    written, fps = plan.config.flow.still, plan.fps
    if written is None:
        return 0
    seconds = parse_time(written, fps=fps, key="flow.still", duration=plan.frames / float(fps))
    return max(1, round(seconds * fps))


def close_loop(plan: ShotPlan, shot: Shot, pre_roll: Callable[[], Iterator[Tensor]]) -> Shot:
    """The shot, led to the first frames of its film if it ends a loop; ``pre_roll`` reads these."""
    overlap = plan.handles.loop_overlap
    if not overlap:
        return shot
    stage = shot.stage.inner if isinstance(shot.stage, Echo) else shot.stage
    closure = LoopClosure(stage, LoopTargets(pre_roll, overlap), plan.frames - overlap, overlap)
    camera = _camera(plan, shot.score, shot.clock, shot.canvas.device)
    return replace(shot, stage=Echo(closure, camera) if isinstance(shot.stage, Echo) else closure)


def _camera(plan: ShotPlan, score: Score, clock: Clock, device: torch.device) -> Camera:
    kind, depth = SphereCamera if plan.is_sphere else Camera, depth_of(plan.config.depth, device)
    return kind(lambda index: score.camera(clock.seconds(index)), clock.fps, depth)


def _dressed(stage: Stage, plan: ShotPlan, camera: Camera) -> Stage:
    """The stage with the pull of a generator and with trails, if the shot has any."""
    if plan.imagine is not None and has_prior(plan.config):
        trained, truncation = load_generator(plan.imagine.path), plan.config.imagine.truncation
        stage = Prior(stage, trained, truncation, camera.fps, min(plan.scales()))
    return stage if str(plan.config.dream.echo) in ("0", "0.0") else Echo(stage, camera)


def _objective(plan: ShotPlan, network: Network) -> Objective:
    ensemble = Ensemble(network, partial(_load_companion, plan.config, network))
    return Objective(ensemble, load_pictures(plan.guides, (plan.height, plan.width)), guide_layer(plan.config))


def _dreamer(plan: ShotPlan, objective: Objective, score: Score, canvas: Tensor) -> Dreamer:
    """The dreamer of a plan that can dream every target of the score. Raises ConfigError."""
    config, short_side = plan.config, min(plan.height, plan.width)
    key = "network.class_support"
    start_tone = (float(canvas.mean()), float(canvas.std())) if config.start.kind != "noise" else None
    masks = RegionMasks(load_pictures(plan.masks, (plan.height, plan.width)))
    targets = score.targets()
    support = _class_support(config.network, {target.network for target in targets})
    kind = SphereDreamer if plan.is_sphere else Dreamer
    dreamer = kind(objective, config.dream, masks, start_tone, support)
    for target in targets:
        check_target(dreamer, target, short_side)
    for target in support:
        objective.resolve(target, key)
    _check_octaves(dreamer, octave_scales(config.dream, short_side), targets)
    return dreamer


def _load_companion(config: RenderConfig, main: Network, name: str) -> Network:
    """Another network of the shot, as its targets call it, on the device and in the precision of the first."""
    settings = companion_config(config.network, name)
    with named_as_typed(config.network, name):
        network = main if settings is config.network else model_zoo.build(settings)
    return network.to(main.device, main.precision, main.channels_last, config.deterministic)


def _class_support(network: NetworkConfig, names: Iterable[str]) -> TargetWeights:
    """What calms the class targets of the networks of these names; "" is the film's own."""
    support = TargetWeights()
    for name in sorted(names):
        own = companion_config(network, name) if name else network
        if own.class_support:
            weights = weights_at(parse_weights(own.class_support, "network.class_support"), 0.0)
            support |= {replace(target, network=name): weight for target, weight in weights.items()}
    return support


def check_target(dreamer: Dreamer, target: Target, short_side: int) -> None:
    """Raise ConfigError for a target that the network does not have, or that does not fit a frame of this size."""
    dreamer.resolve(target)
    if not dreamer.fits(max(octave_scales(dreamer.config, short_side)), {target: 1.0}):
        size = f"the shorter side has {short_side} pixels; for {target} the network needs"
        raise ConfigError("frame.width, frame.height", short_side, f"{size} {dreamer.min_side({target: 1.0})}")


def _check_octaves(dreamer: Dreamer, scales: list[float], targets: list[Target]) -> None:
    """Note once that some octaves are too small."""
    usable = [scale for scale in scales if dreamer.fits(scale, dict.fromkeys(targets, 1.0))]
    if len(usable) < len(scales):
        text = f"the frame is small for {len(scales)} octaves; some targets use {max(1, len(usable))} of them"
        log.info(text, extra={"once": True})
