"""What a target measures in its layer's map: figures that are means over places, of the whole map or a part of it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.dream import objectives
from pipeline.targets.target import Target


@dataclass(frozen=True)
class Found:
    """A target in a network: its layer's full name and the channels there that it is about."""

    target: Target
    layer: str
    channels: tuple[int, ...] = ()

    @property
    def kind(self) -> str:
        """``layer``, ``channel`` (a class is one), ``place``, ``guide``, ``dir`` or ``diverse``."""
        if self.target.kind in ("guide", "dir", "diverse"):
            return self.target.kind
        if not self.channels:
            return "layer"
        return "channel" if self.target.place is None else "place"


@dataclass(frozen=True)
class View:
    """The places of a layer's map that a part of the frame stands for.

    ``inner`` are the rows and columns, in the part's own map, that no other part stands for; ``corner`` is where the
    first of them lies in the whole map, ``whole`` that map's size (h, w). ``share`` is the part of all places. A layer
    without a map (logits) has only its share.
    """

    inner: tuple[slice, slice] | None
    corner: tuple[int, int]
    whole: tuple[int, int]
    share: float

    def crop(self, seen: Tensor) -> Tensor:
        """The part's map ``(1, C, h, w)`` → the places that count."""
        return seen if self.inner is None else seen[..., self.inner[0], self.inner[1]]


def measure(
    found: Found,
    seen: Tensor,
    moved: tuple[float, float],
    features: Tensor | None,
    view: View | None,
    index: Tensor | None = None,
) -> Tensor:
    """The target's figures in a map ``(1, C, h, w)``: a scalar, or for dir and diverse a vector.

    ``moved`` (down, right) is how far the frame was moved, in frame sizes; ``features`` are a guide's. With ``view``
    the map is that part's, and the figures of all parts add up to those of the whole. ``index`` ``(1,)`` takes the
    place of the channel's own.
    """
    if found.target.place is not None:
        x, y = found.target.place
        whole, corner = (seen.shape[2:], (0, 0)) if view is None else (view.whole, view.corner)
        row, column = objectives.place((whole[0], whole[1]), (x + moved[1], y + moved[0]))
        row, column = row - corner[0], column - corner[1]
        within = 0 <= row < seen.shape[2] and 0 <= column < seen.shape[3]
        return seen[0, found.channels[0], row, column] if within else seen.new_zeros(())
    if seen.numel() == 0:  # too near the frame's end for a place of its own
        seen, view = seen.new_zeros(1, seen.shape[1], 1, 1), None
    figures = _means(found, seen, features, index)
    return figures if view is None else figures * view.share


def _means(found: Found, seen: Tensor, features: Tensor | None, index: Tensor | None) -> Tensor:
    """The figures that are means over all places of a map."""
    if features is not None:
        return objectives.guide(seen, features)
    if found.kind == "layer":
        return objectives.layer(seen)
    if found.kind == "channel":
        return objectives.channel(seen, found.channels[0] if index is None else index)
    means = torch.stack([objectives.channel(seen, index) for index in found.channels])
    return means if found.kind == "dir" else torch.cat([means, objectives.meetings(seen, found.channels).flatten()])
