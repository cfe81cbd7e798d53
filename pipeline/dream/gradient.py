"""The gradient of an objective in a picture, in one piece or tile by tile."""

from collections.abc import Mapping

import torch
from torch import Tensor

from pipeline.dream.receptive_field import ReceptiveFields
from pipeline.dream.tiling import Tile, View, cut_tiles
from pipeline.dream.weighted_objective import Factors, Objective
from pipeline.targets.target import Target


def whole_gradient(
    objective: Objective, picture: Tensor, targets: Mapping[Target, float], shift: tuple[int, int]
) -> Tensor:
    """The gradient ``(1, 3, H, W)`` of the objective in a frame moved by ``shift`` (down, right; pixels)."""
    return factor_gradient(objective, picture, objective.factors(targets), shift)


def factor_gradient(
    objective: Objective,
    picture: Tensor,
    factors: Factors,
    shift: tuple[int, int] = (0, 0),
    indices: Mapping[Target, Tensor] | None = None,
) -> Tensor:
    """``whole_gradient`` for targets with factors instead of weights.

    With factors and ``indices`` as tensors on the device and graph-safe targets, the operations depend only on the
    picture's size and on the targets' graph keys.
    """
    with torch.enable_grad():
        leaf, size = picture.detach().requires_grad_(True), (picture.shape[2], picture.shape[3])
        measures = objective.measure(leaf, factors, size, shift, indices=indices)
        (gradient,) = torch.autograd.grad(objective.combine(measures, factors, size), leaf)
    return gradient


class TiledGradient:
    """The same gradient in the memory of a tile.

    The objective is that of the whole frame: places count by their fraction of all places, and a neuron is read in the
    tile that holds it. Equal to ``whole_gradient`` but for rounding where margins hold the layers' receptive fields.
    Operations that depend on the whole frame, as squeeze-and-excitation and logits do, see a tile instead.
    """

    def __init__(self, objective: Objective) -> None:
        self._objective, self._fields = objective, ReceptiveFields(objective.network)

    def tiled_gradient(
        self,
        picture: Tensor,
        targets: Mapping[Target, float],
        shift: tuple[int, int],
        max_side: int,
        generator: torch.Generator,
    ) -> Tensor:
        """``whole_gradient`` in windows of at most ``max_side`` pixels, cut at places that ``generator`` draws."""
        size, layers = (picture.shape[2], picture.shape[3]), self._objective.layers(targets)
        fields = [self._fields.field(layer) for layer in layers]
        tiles = cut_tiles(
            size,
            max_side,
            field=(max(before for before, _ in fields), max(after for _, after in fields)),
            stride=max(self._fields.stride(layer) for layer in layers),
            min_side=self._objective.min_side(targets),
            generator=generator,
        )
        parts = [(tile, self._views(tile, layers, size)) for tile in tiles]
        slopes = None
        if not self._objective.is_separable(targets):
            slopes = self._slopes(self._measure(picture, targets, shift, parts), targets, size)
        total = torch.zeros_like(picture)
        for tile, views in parts:
            with torch.enable_grad():
                leaf = picture[(..., *tile.window)].detach().clone(memory_format=torch.contiguous_format)
                leaf.requires_grad_(True)
                measures = self._objective.measure(leaf, targets, size, shift, views)
                # Where the first measures will do, all tiles must go by the same.
                slopes = slopes or self._slopes(measures, targets, size)
                value = torch.stack([(measures[target] * slopes[target]).sum() for target in targets]).sum()
                if value.requires_grad:  # else a neuron lies in another tile
                    (gradient,) = torch.autograd.grad(value, leaf)
                    total[(..., *tile.window)] += gradient
        return total

    def _views(self, tile: Tile, layers: frozenset[str], size: tuple[int, int]) -> dict[str, View]:
        fields = self._fields
        return {layer: tile.view(fields.stride(layer), fields.map_size(layer, size), size) for layer in layers}

    def _measure(
        self,
        picture: Tensor,
        targets: Mapping[Target, float],
        shift: tuple[int, int],
        parts: list[tuple[Tile, dict[str, View]]],
    ) -> dict[Target, Tensor]:
        """The measures of the whole frame."""
        size, total = (picture.shape[2], picture.shape[3]), dict[Target, Tensor]()
        with torch.no_grad():
            for tile, views in parts:
                measures = self._objective.measure(picture[(..., *tile.window)], targets, size, shift, views)
                total = {target: total.get(target, 0.0) + measure for target, measure in measures.items()}
        return total

    def _slopes(
        self, measures: Mapping[Target, Tensor], targets: Mapping[Target, float], size: tuple[int, int]
    ) -> dict[Target, Tensor]:
        """How much the objective changes with each of the measures, by target."""
        with torch.enable_grad():
            leaves = {target: measure.detach().requires_grad_(True) for target, measure in measures.items()}
            value = self._objective.combine(leaves, self._objective.factors(targets), size)
            slopes = torch.autograd.grad(value, list(leaves.values()))
        return dict(zip(leaves, slopes, strict=True))
