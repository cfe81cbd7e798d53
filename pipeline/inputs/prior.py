"""A generator as prior of the dream: coarse shapes are pulled toward a picture that it can make.

The middle of the canvas is encoded and drawn again. Only the coarse difference is added, so fine octaves dream freely.
"""

import torch
from torch import Tensor

from pipeline.cue import Cue
from pipeline.image import fit, resize
from pipeline.inputs.latent_encode import nearest
from pipeline.inputs.latent_walk import in_frame
from pipeline.motion.stage import Stage, Wrapper
from pipeline.networks.trained_generator import TrainedGenerator
from pipeline.targets.target import TargetWeights

COARSE_SIDE = 24  # pixels on the short side of the difference
REFERENCE_FPS = 24.0  # that dream.prior refers to


class Prior(Wrapper):
    """The stage ``inner`` with a pull of ``dream.prior``. ``scale`` is the coarsest octave, whose targets count.

    Class targets that the generator knows say what it draws; else that is the class whose picture is nearest.
    """

    def __init__(self, inner: Stage, trained: TrainedGenerator, truncation: float, fps: float, scale: float) -> None:
        super().__init__(inner)
        self._truncation, self._fps, self._scale = truncation, fps, scale
        self._net, self._classes = trained.generator, trained.header.classes
        self.moves_all_channels = False

    def advance(self, canvas: Tensor, cue: Cue, index: int) -> Tensor:
        canvas = super().advance(canvas, cue, index)
        canvas, velocity = canvas[:, :3], canvas[:, 3:]
        amount = 1 - (1 - cue.dream.prior) ** (REFERENCE_FPS / self._fps)
        if amount <= 0:
            return torch.cat([canvas, velocity], 1)
        size = (canvas.shape[2], canvas.shape[3])
        weights = class_weights(cue.targets(self._scale), self._classes)
        picture = self._picture(canvas.cpu().float(), weights).to(canvas.device, canvas.dtype)
        difference = in_frame(picture, size, "whole") - canvas
        coarse = resize(difference, fit(size, min(COARSE_SIDE, *size)))
        return torch.cat([(canvas + amount * resize(coarse, size)).clamp(0, 1), velocity], 1)

    @torch.no_grad()
    def _picture(self, canvas: Tensor, weights: Tensor | None) -> Tensor:
        """What the generator makes of the middle of the canvas: ``(1, 3, S, S)``."""
        net, side = self._net, self._net.shape.size
        height, width = canvas.shape[2:]
        short = min(height, width)
        top, left = (height - short) // 2, (width - short) // 2
        square = resize(canvas[..., top : top + short, left : left + short], (side, side)).clamp(0, 1)
        classes = torch.eye(net.shape.classes) if weights is None else weights
        return nearest(net, square, classes, self._truncation).picture


def class_weights(targets: TargetWeights, classes: tuple[str, ...]) -> Tensor | None:
    """The weights ``(1, classes)`` of targets that are classes of a generator; None where it knows none of them."""
    weights = torch.zeros(1, len(classes))
    for target, weight in targets.items():
        if target.kind == "class" and target.name in classes and weight > 0:
            weights[0, classes.index(target.name)] += weight
    total = float(weights.sum())
    return weights / total if total else None
