"""One frame: octaves of gradient ascent, each adding detail of its own size to the full-size canvas."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from pipeline.config import REFERENCE_PIXELS, DreamConfig, frame_octaves
from pipeline.dream import jitter, tiling, tone
from pipeline.dream.cuda_graphs import RecordedGradients, recorded_gradients
from pipeline.dream.gradient import TiledGradient, whole_gradient
from pipeline.dream.octave_sizes import octave_size
from pipeline.dream.preconditioner import step_direction
from pipeline.dream.region_mask import RegionMasks, by_region
from pipeline.dream.weighted_objective import Objective
from pipeline.errors import DreamError
from pipeline.image import resize
from pipeline.runtime.device import is_out_of_memory, release
from pipeline.targets.target import Target, TargetWeights

log = logging.getLogger(__name__)
TargetsAt = Callable[[float], TargetWeights]
"""Scale of an octave → its weighted targets."""


class Dreamer:
    """Dreams the frames of one shot.

    An octave's *scale* is its short side over ``REFERENCE_PIXELS``. ``masks`` draws the regions of targets;
    ``start_tone`` is the start's mean and deviation for ``tone=start``. ``tile`` is the setting ``dream.tile`` in
    force: a number once memory ran out. ``class_support`` is added to every class target
    of its network.
    """

    def __init__(
        self,
        objective: Objective,
        config: DreamConfig,
        masks: RegionMasks | None = None,
        start_tone: tuple[float, float] | None = None,
        class_support: TargetWeights | None = None,
    ) -> None:
        if config.tone == "start":
            self._start_tone = start_tone or (config.tone_mean, config.tone_contrast)
        self._objective, self.config = objective, config
        self._masks = masks or RegionMasks({})
        self._class_support = class_support or {}
        self._tiled = TiledGradient(objective)
        self._recorded: RecordedGradients | None = None
        self.tile: object = config.tile

    def state(self) -> dict[str, str]:
        """What the next frame depends on besides the canvas, as text."""
        return {"tile": str(self.tile)}

    def restore(self, state: Mapping[str, str]) -> None:
        """Continue from this state."""
        tile = state.get("tile", "")
        if tile.isdecimal():  # memory had run out, and tiles change bits
            self.tile = int(tile)

    def close(self) -> None:
        """Free the GPU memory of recorded gradients; they are recorded again when needed."""
        self._recorded = None

    def resolve(self, target: Target) -> None:
        """Raise ConfigError unless the network has this target."""
        self._objective.resolve(target)

    def fits(self, scale: float, targets: TargetWeights) -> bool:
        """Whether the octave of this scale is large enough for the network to compute these targets."""
        return round(scale * REFERENCE_PIXELS) >= self.min_side(targets)

    def min_side(self, targets: TargetWeights) -> int:
        """The smallest short side in pixels at which the network can compute these targets."""
        return self._objective.min_side(targets)

    def dream(
        self,
        canvas: Tensor,
        targets: TargetsAt,
        config: DreamConfig,
        seconds: float,
        generator: torch.Generator,
        mask: Tensor | None = None,
        grown: float = 1.0,
        turn: int | None = None,
    ) -> Tensor:
        """Canvas ``(1, 3, h, w)`` → canvas dreamed for ``seconds`` with the settings of this frame.

        ``mask`` ``(1, 1, h, w)`` in [0, 1] is where to dream; ``grown`` is the fraction of the finished frame's detail
        that the canvas has, ``turn`` that of ``octave_strengths``. Out of memory, it starts again in smaller tiles.
        Raises DreamError if there are none, and if a gradient is not finite.
        """
        state = generator.get_state()
        while True:
            try:
                return self._dream(canvas, targets, config, seconds, generator, mask, grown, turn)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            self._free_memory((canvas.shape[2], canvas.shape[3]), canvas.device)  # outside: the error held tensors
            generator.set_state(state)

    def _free_memory(self, size: tuple[int, int], device: torch.device) -> None:
        """Drop recorded gradients, or else use smaller tiles; DreamError when there are none."""
        dropped = self._recorded is not None and self._recorded.forget()
        release(device)
        if dropped:
            return
        side = None if self.tile == "never" else tiling.smaller_side(self.tile, size, device)
        if side is None:
            advice = "dream.tile=auto" if self.tile == "never" else "a smaller frame"
            raise DreamError(f"the device ran out of memory; try {advice}, fewer dream.octaves or precision=bfloat16")
        log.warning(f"the device ran out of memory; rendering continues in tiles of {side} pixels (dream.tile={side})")
        self.tile = side

    def _dream(
        self,
        canvas: Tensor,
        targets: TargetsAt,
        config: DreamConfig,
        seconds: float,
        generator: torch.Generator,
        mask: Tensor | None,
        grown: float,
        turn: int | None,
    ) -> Tensor:
        """``dream``, in tiles as they are."""
        before, size = canvas, (canvas.shape[2], canvas.shape[3])
        octaves, finite = list[TargetWeights](), list[tuple[float, Tensor]]()
        for scale, strength, exponent in frame_octaves(config, min(size), grown, turn):
            weights = self._fitting(targets(min(scale, 1.0)), scale)
            if not weights:
                continue
            octaves.append(weights)
            if not strength:  # left out this time
                continue
            # Only the change travels between sizes: the canvas keeps detail that a small octave cannot hold.
            own = replace(config, exponent=exponent)
            small = resize(canvas, octave_size(size, scale * REFERENCE_PIXELS))
            after, amount = small, config.strength * strength * seconds / config.steps
            for _ in range(config.steps):
                step = self._step(after, weights, own, generator)
                # All pixels are divided by a deviation that is NaN once any of them is: one pixel tells.
                finite.append((scale, step[0, 0, 0, 0].isfinite()))
                after = torch.add(after, step, alpha=amount, out=step)
            canvas = after if small is canvas else resize(after.sub_(small), size).add_(canvas)
        _check_finite(finite)
        regions = self._masks.cover(octaves, size, canvas.device)
        canvas = self._hold_tone(before, canvas, regions, seconds, config)
        for part in (regions, mask):
            if part is not None:
                canvas = before + part * (canvas - before)
        return canvas

    def _fitting(self, targets: TargetWeights, scale: float) -> TargetWeights:
        """The targets that fit the octave of this scale, and what supports classes.

        Each by itself: a deep target that fades in must not take the small octaves from a shallow one.
        """
        supported = dict(targets)
        for target, weight in targets.items():
            for support, part in self._class_support.items() if target.kind == "class" and weight > 0 else ():
                if support.network != target.network:
                    continue
                local = replace(support, region=target.region)
                supported[local] = supported.get(local, 0.0) + part * weight
        return {target: weight for target, weight in supported.items() if weight and self.fits(scale, {target: weight})}

    def _hold_tone(
        self, before: Tensor, canvas: Tensor, regions: Tensor | None, seconds: float, config: DreamConfig
    ) -> Tensor:
        """The dreamed canvas with its tone held, in the targets' regions, and its colours within [0, 1]."""
        if config.tone == "start":
            config = replace(config, tone_mean=self._start_tone[0], tone_contrast=self._start_tone[1])
        if config.tone != "free":
            canvas = tone.hold(canvas, config, seconds, regions)
        return tone.soften(before, canvas)

    def _step(self, picture: Tensor, targets: TargetWeights, config: DreamConfig, generator: torch.Generator) -> Tensor:
        """The ascent direction ``(1, 3, h, w)``, of unit deviation where weights add up to 1.

        A sum of absolute weights below 1 dreams that much less; above it only their proportions count. Each region has
        a gradient of its own, since its mask must come after everything that spreads a gradient over the frame.
        """
        groups = by_region(targets)
        if set(groups) == {None}:
            direction, weight = self._direction(picture, targets, config, generator), _total(targets)
            return direction if weight >= 1 else direction.mul_(weight)
        size = (picture.shape[2], picture.shape[3])
        moved, total = torch.zeros_like(picture), torch.zeros_like(picture[:, :1])
        for region, weights in groups.items():
            direction = self._direction(picture, weights, config, generator)
            mask = torch.ones_like(total) if region is None else self._masks.draw(region, size, picture.device)
            energy = (direction.square() * mask).sum() / (3 * mask.sum() + 1e-6)  # inside the mask
            mask = mask * _total(weights)
            moved, total = moved + direction * mask / (energy.sqrt() + 1e-6), total + mask
        return moved / total.clamp(min=1.0)

    def _direction(
        self, picture: Tensor, targets: TargetWeights, config: DreamConfig, generator: torch.Generator
    ) -> Tensor:
        """The unit-deviation direction ``(1, 3, h, w)`` in which the objective of these targets rises."""
        limit = min(round(config.jitter), (min(picture.shape[2:]) - 1) // 2)
        down, right = torch.randint(-limit, limit + 1, (2,), generator=generator).tolist()
        moved, shift = jitter.moved(picture, (down, right)), (down, right)
        if config.noise > 0:
            noise = _normal(moved, generator)
            moved = torch.add(moved, noise, alpha=config.noise, out=noise)
        self._objective.draw(targets, generator)
        side = tiling.tile_side(self.tile, (picture.shape[2], picture.shape[3]), picture.device)
        if side is not None:
            cuts = generator.clone_state()  # the frame's own draws stay the same, with or without tiles
            gradient = self._tiled.tiled_gradient(moved, targets, shift, side, cuts)
        else:
            gradient = self._whole_gradient(moved, targets, config, shift)
        return step_direction(jitter.moved_back(gradient, shift), config)

    def _whole_gradient(
        self, picture: Tensor, targets: TargetWeights, config: DreamConfig, shift: tuple[int, int]
    ) -> Tensor:
        if config.graphs and self._recorded is None:
            self._recorded = recorded_gradients(picture.device)
        if not config.graphs or self._recorded is None:
            return whole_gradient(self._objective, picture, targets, shift)
        return self._recorded.recorded_gradient(self._objective, picture, targets, shift)


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers of this tensor's shape, drawn on its device: by the processor they would take longer."""
    seed = int(torch.randint(2**62, (), generator=generator))
    own = torch.Generator(like.device).manual_seed(seed)
    return torch.randn(like.shape, device=like.device, dtype=like.dtype, generator=own)


def _check_finite(steps: list[tuple[float, Tensor]]) -> None:
    """Raise DreamError if a step, given with its octave's scale, is not finite. Waits for the device once a frame."""
    if steps and not bool(torch.stack([finite for _, finite in steps]).all()):
        scale = next(scale for scale, finite in steps if not bool(finite))
        raise DreamError(
            f"the gradient is not finite at the octave of scale {scale:.2f}; try precision=float32, "
            "fewer dream.octaves or another target"
        )


def _total(targets: TargetWeights) -> float:
    return sum(abs(weight) for weight in targets.values())
