"""One frame: octaves of gradient ascent, each adding detail of its own size to the full-size canvas."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from pipeline.config import DreamConfig
from pipeline.dream import cuda_graphs, jitter, tiling, tone
from pipeline.dream import gradient as ascent
from pipeline.dream.objective import Objective
from pipeline.dream.preconditioner import step_direction
from pipeline.dream.pyramid import octave_size
from pipeline.dream.region_mask import Masks, by_region
from pipeline.errors import DreamError
from pipeline.image import resize
from pipeline.runtime.device import out_of_memory, release
from pipeline.targets.target import TargetWeights

log = logging.getLogger(__name__)
TargetsAt = Callable[[float], TargetWeights]


class Dreamer:
    """Dreams frames with one network and one set of settings.

    ``short_side`` (pixels) is the finished frame's: an octave's *scale* is its short side over that one. ``masks``
    draws the regions that targets may be confined to, ``start_tone`` is the start's mean and deviation for
    ``tone=start``. ``tile`` is the setting ``dream.tile`` in force, a number once memory ran out, which
    ``notes`` tells: with it a frame can be dreamed again bit for bit.
    """

    def __init__(
        self,
        objective: Objective,
        config: DreamConfig,
        short_side: int,
        masks: Masks | None = None,
        start_tone: tuple[float, float] | None = None,
    ) -> None:
        if config.tone == "start":
            self._start_tone = start_tone or (config.tone_mean, config.tone_contrast)
        self._objective, self._config, self._short_side = objective, config, short_side
        self._masks = masks or Masks({})
        self._tiled = ascent.Tiled(objective)
        self.tile: object = config.tile

    def notes(self) -> dict[str, str]:
        """What the next frame depends on beside the canvas, as text."""
        return {"tile": str(self.tile)}

    def recall(self, notes: Mapping[str, str]) -> None:
        """Go on where these notes were taken."""
        tile = notes.get("tile", "")
        if tile.isdecimal():  # memory had run out, and tiles change bits
            self.tile = int(tile)

    def scales(self, short_side: int) -> list[float]:
        """Scales of the octaves of a canvas with this short side (pixels), coarse to fine."""
        ratio = self._config.octave_ratio
        sides = [short_side / ratio**n for n in range(self._config.octaves)]
        return [side / self._short_side for side in reversed(sides)]

    def fits(self, scale: float, targets: TargetWeights) -> bool:
        """Whether the octave of this scale is large enough for the network to see these targets."""
        return round(scale * self._short_side) >= self.least(targets)

    def least(self, targets: TargetWeights) -> int:
        """The least short side in pixels at which the network can see these targets."""
        return self._objective.smallest(targets)

    def dream(
        self,
        canvas: Tensor,
        targets: TargetsAt,
        config: DreamConfig,
        seconds: float,
        generator: torch.Generator,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Canvas ``(1, 3, h, w)`` → canvas dreamed on for ``seconds`` with the settings of this frame.

        ``targets`` gives the weighted targets of an octave by its scale, ``mask`` ``(1, 1, h, w)`` in [0, 1] says where
        to dream. On out of memory, retries the frame in smaller tiles. Raises DreamError if there are none, and if a
        gradient is not finite.
        """
        state = generator.get_state()
        while True:
            try:
                return self._dream(canvas, targets, config, seconds, generator, mask)
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
            self._make_room((canvas.shape[2], canvas.shape[3]), canvas.device)  # the failed attempt is forgotten by now
            generator.set_state(state)

    def _make_room(self, size: tuple[int, int], device: torch.device) -> None:
        """No recordings from now on, or else smaller tiles; DreamError when there are none."""
        forgotten = (recorded := cuda_graphs.on(device)) is not None and recorded.forget()
        release(device)
        if forgotten:
            return
        less = None if self.tile == "never" else tiling.smaller(self.tile, size, device)
        if less is None:
            advice = "dream.tile=auto" if self.tile == "never" else "a smaller frame"
            raise DreamError(f"the device ran out of memory; try {advice}, fewer dream.octaves or precision=bfloat16")
        log.warning(f"the device ran out of memory; the dream goes on in tiles of {less} pixels (dream.tile={less})")
        self.tile = less

    def _dream(
        self,
        canvas: Tensor,
        targets: TargetsAt,
        config: DreamConfig,
        seconds: float,
        generator: torch.Generator,
        mask: Tensor | None,
    ) -> Tensor:
        """``dream`` with this frame's own settings, in tiles as they are."""
        before, size = canvas, (canvas.shape[2], canvas.shape[3])
        seen = list[TargetWeights]()
        finite: list[tuple[float, Tensor]] = []
        shares = octave_shares(config.octaves, config.detail)
        for scale, share in zip(self.scales(min(size)), shares, strict=True):
            wanted = self._wanted(targets, scale)
            if not wanted:
                continue
            seen.append(wanted)
            # Only the change travels between sizes: the canvas keeps detail that a small octave cannot hold.
            small = resize(canvas, octave_size(size, scale * self._short_side))
            after, amount = small, config.strength * share * seconds / config.steps
            for _ in range(config.steps):
                step = self._step(after, wanted, config, generator)
                # Scaled by a deviation that is NaN once any number is: one number tells for all.
                finite.append((scale, step[0, 0, 0, 0].isfinite()))
                after = step.mul_(amount).add_(after)
            canvas = canvas + resize(after - small, size)
        _check_finite(finite)
        where = self._masks.cover(seen, size, canvas.device)
        canvas = self._toned(before, canvas, where, seconds, config)
        for part in (where, mask):
            if part is not None:
                canvas = before + part * (canvas - before)
        return canvas

    def _wanted(self, targets: TargetsAt, scale: float) -> TargetWeights:
        """What the octave of this scale sees."""
        asked = {target: weight for target, weight in targets(scale).items() if weight}
        # Each by itself: a deep target that comes in must not take the small octaves from a shallow one.
        return {target: weight for target, weight in asked.items() if self.fits(scale, {target: weight})}

    def _toned(
        self, before: Tensor, canvas: Tensor, where: Tensor | None, seconds: float, config: DreamConfig
    ) -> Tensor:
        """The dreamed canvas with its tone held, in the targets' regions, and its colours within [0, 1]."""
        if config.tone == "start":
            config = replace(config, tone_mean=self._start_tone[0], tone_contrast=self._start_tone[1])
        if config.tone != "free":
            canvas = tone.hold(canvas, config, seconds, where)
        return tone.soften(before, canvas)

    def _step(
        self,
        picture: Tensor,
        targets: TargetWeights,
        config: DreamConfig,
        generator: torch.Generator,
    ) -> Tensor:
        """The direction ``(1, 3, h, w)`` in which the objective rises, of unit deviation where weights add up to 1.

        A sum of absolute weights below 1 dreams that much less; above it only their proportions count. Each region
        has a gradient of its own, since the mask belongs behind everything that spreads a gradient over the frame.
        """
        groups = by_region(targets)
        if set(groups) == {None}:
            return self._ascent(picture, targets, config, generator) * min(1.0, _drive(targets))
        size = (picture.shape[2], picture.shape[3])
        moved, drive = torch.zeros_like(picture), torch.zeros_like(picture[:, :1])
        for region, sight in groups.items():
            ascent = self._ascent(picture, sight, config, generator)
            share = torch.ones_like(drive) if region is None else self._masks.at(region, size, picture.device)
            within = (ascent.square() * share).sum() / (3 * share.sum() + 1e-6)  # its energy inside the mask
            share = share * _drive(sight)
            moved, drive = moved + ascent * share / (within.sqrt() + 1e-6), drive + share
        return moved / drive.clamp(min=1.0)

    def _ascent(
        self,
        picture: Tensor,
        targets: TargetWeights,
        config: DreamConfig,
        generator: torch.Generator,
    ) -> Tensor:
        """The unit-deviation direction ``(1, 3, h, w)`` in which the objective of these targets rises."""
        reach = min(round(config.jitter), (min(picture.shape[2:]) - 1) // 2)
        down, right = torch.randint(-reach, reach + 1, (2,), generator=generator).tolist()
        there, size = jitter.moved(picture, (down, right)), (picture.shape[2], picture.shape[3])
        window = tiling.side(self.tile, size, picture.device)
        if window is None:
            gradient = self._whole(there, targets, config, (down, right))
        else:
            dice = generator.clone_state()  # the frame's own draws stay the same, with tiles or without
            gradient = self._tiled.gradient(there, targets, (down, right), window, dice)
        gradient = jitter.moved_back(gradient, (down, right))
        return step_direction(gradient, config)

    def _whole(self, picture: Tensor, targets: TargetWeights, config: DreamConfig, shift: tuple[int, int]) -> Tensor:
        """The gradient of a picture in one piece."""
        recorded = cuda_graphs.on(picture.device) if config.graphs else None
        gradient = ascent.gradient if recorded is None else recorded.gradient
        return gradient(self._objective, picture, targets, shift)


def _check_finite(steps: list[tuple[float, Tensor]]) -> None:
    """Raise DreamError where a step, with its octave's scale, was not finite. Waits for the device once a frame."""
    if steps and not bool(torch.stack([finite for _, finite in steps]).all()):
        scale = next(scale for scale, finite in steps if not bool(finite))
        raise DreamError(
            f"the gradient is not finite at the octave of scale {scale:.2f}; try precision=float32, "
            "fewer dream.octaves or another target"
        )


def octave_shares(count: int, detail: float) -> list[float]:
    """Each octave's strength over their mean, coarse to fine: the last is ``detail`` times the first.

    They fall from octave to octave by the same factor, as the amplitudes of fractal noise do.
    """
    falling = [detail ** (n / max(1, count - 1)) for n in range(count)]
    return [share * count / sum(falling) for share in falling]


def _drive(targets: TargetWeights) -> float:
    return sum(abs(weight) for weight in targets.values())
