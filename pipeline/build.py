"""A plan made into a shot: network, objective, score, first canvas and footage, every target checked."""

import logging
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pipeline.config import FlowConfig, SourceConfig, StartConfig
from pipeline.dream import model_zoo
from pipeline.dream.dreamer import Dreamer
from pipeline.dream.network import Network
from pipeline.dream.objective import Objective
from pipeline.dream.precision import Arithmetic, choose_arithmetic, recorded_arithmetic
from pipeline.dream.region_mask import Masks
from pipeline.errors import ConfigError
from pipeline.image import fit
from pipeline.media.decode.image_file import load_still
from pipeline.media.decode.reader import Reader
from pipeline.motion import optical_flow
from pipeline.motion.footage import Footage
from pipeline.plan.footage import FootagePlan
from pipeline.plan.score import compose, guide_layer, kin_of
from pipeline.plan.shot_plan import ShotPlan
from pipeline.runtime.seeding import START, generator
from pipeline.shot import Shot
from pipeline.targets.target import Target

log = logging.getLogger(__name__)

GUIDE_SIDE = 224  # pixels on the short side of guides and masks


class Networks:
    """The networks of a film, each loaded once, on its device."""

    def __init__(self, device: torch.device, precision: str) -> None:
        self.device, self._precision = device, precision
        self._built: dict[tuple[str, Arithmetic], Network] = {}

    def find(self, plan: ShotPlan, before: Mapping[str, Any]) -> Network:
        """The network of a shot; with ``precision=auto`` an unfinished shot keeps that of its spec ``before``."""
        config = plan.config.network
        arithmetic = recorded_arithmetic(before) if self._precision == "auto" else None
        key = repr(config), arithmetic or choose_arithmetic(self._precision, config, self.device)
        if key not in self._built:
            self._built[key] = model_zoo.build(config).to(self.device, *key[1])
        return self._built[key]


def build_shot(plan: ShotPlan, seeing: Network) -> Shot:
    """The plan's shot on this network, every target checked against it."""
    config = plan.config
    short_side = min(plan.height, plan.width)
    kin = kin_of(config.network, seeing.weights.sha256, seeing.named)
    played = compose(plan, seeing.named, kin.neighbours)
    objective = Objective(seeing, _pictures(plan.guides, plan), guide_layer(config))
    masks = Masks(_pictures(plan.masks, plan))
    canvas = first_canvas(config.start, (plan.height, plan.width), config.seed, plan.index)
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
        index=plan.index,
        mask=config.dream.mask,
        carried=plan.handles.continues,
        run_up=plan.handles.pre_roll,
        period=plan.handles.loop_period,
        back=plan.handles.loop_overlap,
    )


def over_footage(plan: ShotPlan, shot: Shot, stack: ExitStack, first: int = 0) -> Shot:
    """The shot over the plan's footage, where there is some, from frame ``first`` on; ``stack`` closes it."""
    if plan.footage is None:
        return shot
    source, flow, device = plan.config.source, plan.config.flow, shot.canvas.device
    opened = open_footage(plan.footage, source, flow, size=shot.size, frames=plan.frames, device=device, first=first)
    return replace(shot, footage=stack.enter_context(opened), ripen=flow.ripen)


def _check_octaves(dreamer: Dreamer, scales: list[float], targets: dict[Target, float], short_side: int) -> None:
    """Say once that some octaves are too small to be seen; ConfigError when a target fits none."""
    kept = [scale for scale in scales if dreamer.fits(scale, targets)]
    blind = [target for target in targets if not dreamer.fits(max(scales), {target: 1.0})]
    if blind:
        needs = dreamer.least({blind[0]: 1.0})
        least = f"the shorter side has {short_side} pixels; to see {blind[0]} the network needs {needs}"
        raise ConfigError("frame.width, frame.height", short_side, least)
    if len(kept) < len(scales):
        text = f"the frame is small for {len(scales)} octaves; some targets are dreamed with {max(1, len(kept))}"
        log.info(text, extra={"once": True})


def _pictures(files: Iterable[str], plan: ShotPlan) -> dict[str, Tensor]:
    """Guides and masks by file, ``(1, 3, h, w)`` in the frame's shape, no larger than they need be."""
    height, width = fit((plan.height, plan.width), min(GUIDE_SIDE, plan.height, plan.width))
    return {file: load_still(Path(file), width=width, height=height) for file in sorted(files)}


def first_canvas(config: StartConfig, size: tuple[int, int], seed: int, shot: int) -> Tensor:
    """The canvas ``(1, 3, h, w)`` before any dream, on the CPU: the photograph, or noise of the smallest size."""
    height, width = size
    if config.kind == "image":
        red, green, blue = config.background
        return load_still(Path(str(config.path)), width=width, height=height, background=(red, green, blue))
    small = fit(size, min(config.size, min(size)))
    noise = torch.randn(1, 3, *small, generator=generator(seed, shot, 0, START))
    grey: Tensor = 0.45 + config.noise * noise
    return grey.clamp(0, 1)


def open_footage(
    footage: FootagePlan,
    source: SourceConfig,
    config: FlowConfig,
    *,
    size: tuple[int, int],
    frames: int,
    device: torch.device,
    first: int = 0,
) -> Footage:
    """The stage for ``frames`` frames of ``size`` (H, W) on ``device``. Raises RenderError kinds as it is used.

    ``first`` is the frame that the film goes on from: reading begins there at once. Every frame gets the same bits
    whichever came first.
    """
    height, width = size
    red, green, blue = source.background
    picks = footage.picks(frames)
    reader = Reader(footage.clip, picks, width=width, height=height, background=(red, green, blue))
    return Footage(
        reader.frames,
        config,
        estimate=_estimate(config, device),
        cuts=footage.cuts(frames),
        fps=float(footage.fps),
        device=device,
        repeats=footage.repeats(frames),
        first=first,
    )


def _estimate(config: FlowConfig, device: torch.device) -> optical_flow.Estimate | None:
    if config.kind == "raft":
        from pipeline.motion.raft import raft  # torchvision is slow to load

        return raft(config, device)
    return optical_flow.dis(config) if config.kind == "dis" else None
