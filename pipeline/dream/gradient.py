"""Which way is up: the gradient of an objective in a picture, in one piece or tile by tile."""

from collections.abc import Mapping

import torch
from torch import Tensor

from pipeline.dream import tiling
from pipeline.dream.objective import Objective, Shares
from pipeline.dream.receptive_field import Fields
from pipeline.dream.target_measures import View
from pipeline.targets.target import Target

Pulls = Mapping[Target, Tensor]
"""By target: how much the objective changes with each of its figures."""


def gradient(objective: Objective, picture: Tensor, targets: Mapping[Target, float], shift: tuple[int, int]) -> Tensor:
    """The gradient ``(1, 3, H, W)`` of the objective in a frame moved by ``shift`` (down, right; pixels)."""
    return weighted(objective, picture, objective.shares(targets), shift)


def weighted(
    objective: Objective,
    picture: Tensor,
    shares: Shares,
    shift: tuple[int, int] = (0, 0),
    indices: Mapping[Target, Tensor] | None = None,
) -> Tensor:
    """As ``gradient``, of targets with their shares instead of their weights.

    Where shares and ``indices`` are tensors on the device and targets are steady, what is computed hangs on nothing
    but the picture's size and the targets' forms.
    """
    with torch.enable_grad():
        leaf, size = picture.detach().requires_grad_(True), (picture.shape[2], picture.shape[3])
        value = objective.sum(objective.figures(leaf, shares, size, shift, indices=indices), shares, size)
        (found,) = torch.autograd.grad(value, leaf)
    return found


class Tiled:
    """The same gradient at the memory of a tile.

    The objective is that of the whole frame: places count by their share of all places, and a target at a place is
    looked for in the tile that holds it. Equal to ``gradient`` but for rounding where margins hold all that the layers
    see. What sees the whole frame by itself, as squeeze-and-excitation and logits do, sees a tile instead.
    """

    def __init__(self, objective: Objective) -> None:
        self._objective, self._fields = objective, Fields(objective.network)

    def gradient(
        self,
        picture: Tensor,
        targets: Mapping[Target, float],
        shift: tuple[int, int],
        window: int,
        dice: torch.Generator,
    ) -> Tensor:
        """As ``gradient``, in windows of at most ``window`` pixels a side, cut where ``dice`` say."""
        size = (picture.shape[2], picture.shape[3])
        layers = self._objective.layers(targets)
        reaches = [self._fields.reach(layer) for layer in layers]
        cuts = tiling.cut(
            size,
            window,
            reach=(max(before for before, _ in reaches), max(after for _, after in reaches)),
            grain=max(self._fields.grain(layer) for layer in layers),
            least=self._objective.smallest(targets),
            dice=dice,
        )
        parts = [(tile, self._views(tile, layers, size)) for tile in cuts]
        even = self._objective.even(targets)
        pulls = None if even else self._pulls(self._sum(picture, targets, shift, parts), targets, size)
        total = torch.zeros_like(picture)
        for tile, views in parts:
            with torch.enable_grad():
                leaf = picture[(..., *tile.window)].detach().clone(memory_format=torch.contiguous_format)
                leaf.requires_grad_(True)
                figures = self._objective.figures(leaf, targets, size, shift, views)
                # Where the first figures will do, all tiles must go by the same.
                pulls = pulls or self._pulls(figures, targets, size)
                value = torch.stack([(figures[target] * pulls[target]).sum() for target in targets]).sum()
                if value.requires_grad:  # else a target's place lies in another tile
                    (found,) = torch.autograd.grad(value, leaf)
                    total[(..., *tile.window)] += found
        return total

    def _views(self, tile: tiling.Tile, layers: frozenset[str], size: tuple[int, int]) -> dict[str, View]:
        return {
            layer: tile.view(self._fields.grain(layer), self._fields.map_size(layer, size), size) for layer in layers
        }

    def _sum(
        self,
        picture: Tensor,
        targets: Mapping[Target, float],
        shift: tuple[int, int],
        parts: list[tuple[tiling.Tile, dict[str, View]]],
    ) -> dict[Target, Tensor]:
        """The figures of the whole frame."""
        size, total = (picture.shape[2], picture.shape[3]), dict[Target, Tensor]()
        with torch.no_grad():
            for tile, views in parts:
                figures = self._objective.figures(picture[(..., *tile.window)], targets, size, shift, views)
                total = {target: total.get(target, 0.0) + figure for target, figure in figures.items()}
        return total

    def _pulls(self, figures: Mapping[Target, Tensor], targets: Mapping[Target, float], size: tuple[int, int]) -> Pulls:
        with torch.enable_grad():
            leaves = {target: figure.detach().requires_grad_(True) for target, figure in figures.items()}
            found = torch.autograd.grad(self._objective.total(leaves, targets, size), list(leaves.values()))
        return dict(zip(leaves, found, strict=True))
