"""Dreams on the whole sphere without a seam: around the equator on the turned picture, at the poles on flat views.

The picture is turned by a random angle before each dream and continues beyond its borders, so that no place is always
at one. Towards a pole it would be drawn out in width; there the change comes from a view of a camera that looks at the
pole. Only the change is resampled, never the picture.
"""

import math

import torch
from torch import Tensor

from pipeline.config import DreamConfig
from pipeline.dream.dreamer import Dreamer, TargetsAt
from pipeline.projection.sphere import from_pole_view, latitudes, pole_view, wrap
from pipeline.timing.smoothstep import smoothstep

POLE_DEGREES = (38.0, 55.0)  # of latitude, between which the flat views take over
REACH = math.tan(math.radians(54))  # of half a view
MARGIN = 1 / 8  # of the height of the picture, that is dreamed on beyond its borders
MIN_HEIGHT = 64  # smaller pictures, at the very start, are dreamed without poles


class SphereDreamer(Dreamer):
    """A dreamer for equirectangular canvases."""

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
        """As ``Dreamer.dream``."""

        flat = super().dream

        def dream(picture: Tensor) -> Tensor:
            return flat(picture, targets, config, seconds, generator, None, grown, turn)

        height, width = canvas.shape[2:]
        angle, margin = int(torch.randint(width, (), generator=generator)), max(4, round(MARGIN * height))
        around = dream(wrap(canvas.roll(angle, 3), margin, margin))[:, :, margin:-margin]
        result = joined(around, margin).roll(-angle, 3)
        if height >= MIN_HEIGHT:
            side = 2 * round(REACH * height / math.pi)
            polar = ((latitudes(canvas).abs() - POLE_DEGREES[0]) / (POLE_DEGREES[1] - POLE_DEGREES[0])).clamp(0, 1)
            polar = smoothstep(polar)
            result = canvas + (1 - polar) * (result - canvas)
            for pole in (-1, 1):
                view = pole_view(canvas, side, REACH, pole)
                result = result + polar * from_pole_view(dream(view) - view, canvas, REACH, pole)
            result = result.clamp(0, 1)
        return result if mask is None else canvas + mask * (result - canvas)


def joined(wide: Tensor, margin: int) -> Tensor:
    """``(1, C, H, W + 2 margin)`` → ``(1, C, H, W)``: the overlapping margins at both sides fade into each other."""
    near = (torch.arange(margin, device=wide.device, dtype=wide.dtype) + 0.5) / (2 * margin)
    picture = wide[..., margin:-margin].clone()
    picture[..., :margin] = torch.lerp(wide[..., -margin:], picture[..., :margin], 0.5 + near)
    picture[..., -margin:] = torch.lerp(wide[..., :margin], picture[..., -margin:], 0.5 + near.flip(0))
    return picture
