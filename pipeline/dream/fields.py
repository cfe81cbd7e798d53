"""Receptive fields: how far apart the places of a layer's map lie in the frame, and how far around it each one sees."""

import torch

from pipeline.dream.network import Network

SIDE = 384  # pixels, of the picture on which fields are measured
UNSEEN = 1e-5  # of the gradient's energy, left out of a field


class Fields:
    """The fields of a network's layers, each found once."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._grain: dict[str, int] = {}
        self._reach: dict[str, int] = {}
        self._sizes: dict[tuple[str, tuple[int, int]], tuple[int, int] | None] = {}

    def map_size(self, layer: str, size: tuple[int, int]) -> tuple[int, int] | None:
        """The size (h, w) of the layer's map of a frame of ``size``; None where it has no map (logits)."""
        if (layer, size) not in self._sizes:
            self._sizes[layer, size] = self._network.map_size(layer, size)
        return self._sizes[layer, size]

    def grain(self, layer: str) -> int:
        """Pixels between two neighbouring places of the layer's map; 1 where it has no map."""
        if layer not in self._grain:
            small, large = (self.map_size(layer, (side, side)) for side in (SIDE, 2 * SIDE))
            self._grain[layer] = 1 if small is None or large is None else round(SIDE / max(1, large[0] - small[0]))
        return self._grain[layer]

    def reach(self, layer: str) -> int:
        """Pixels around a place of the layer's map within which nearly all lies that it sees.

        It is measured on noise, since the outer parts of what a place could see hardly count (Luo et al.,
        *Understanding the Effective Receptive Field*, 2016).
        """
        if layer not in self._reach:
            self._reach[layer] = self._measure(layer)
        return self._reach[layer]

    def _measure(self, layer: str) -> int:
        noise = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
        with torch.enable_grad():
            picture = (0.45 + 0.2 * noise).to(self._network.device).requires_grad_(True)
            seen = self._network.activations(picture, [layer])[layer]
            if seen.dim() != 4:
                return SIDE // 2  # it sees everything
            (gradient,) = torch.autograd.grad(
                seen[0, :, seen.shape[2] // 2, seen.shape[3] // 2].square().sum(), picture
            )
        energy = gradient.square().sum(dim=(0, 1)).cpu()
        middle = (torch.arange(SIDE) - SIDE / 2).abs()
        distance = torch.maximum(middle[:, None], middle[None, :]).ceil().long()
        at = torch.zeros(SIDE // 2 + 1).index_add_(0, distance.flatten(), energy.flatten()).double()
        beyond = at.flip(0).cumsum(0).flip(0)  # the energy from each distance on
        return int((beyond > UNSEEN * beyond[0]).sum())
