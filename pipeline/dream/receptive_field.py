"""Receptive fields: the stride of a layer's map in the frame, and the pixels that a place of the map depends on."""

import torch

from pipeline.dream.ensemble import Ensemble

SIDE = 384  # pixels of the picture on which fields are measured
CUT_OFF = 1e-7  # of the gradient's energy, left out of a field


class ReceptiveFields:
    """The receptive fields of a network's layers, each measured once."""

    def __init__(self, network: Ensemble) -> None:
        self._network = network
        self._strides: dict[str, int] = {}
        self._fields: dict[str, tuple[int, int]] = {}
        self._sizes: dict[tuple[str, tuple[int, int]], tuple[int, int] | None] = {}

    def map_size(self, layer: str, size: tuple[int, int]) -> tuple[int, int] | None:
        """The size (h, w) of the layer's map of a frame of ``size``; None where it has no map (logits)."""
        if (layer, size) not in self._sizes:
            self._sizes[layer, size] = self._network.map_size(layer, size)
        return self._sizes[layer, size]

    def stride(self, layer: str) -> int:
        """Pixels between two neighbouring places of the layer's map; 1 where it has no map."""
        if layer not in self._strides:
            small, large = (self.map_size(layer, (side, side)) for side in (SIDE, 2 * SIDE))
            self._strides[layer] = 1 if small is None or large is None else round(SIDE / max(1, large[0] - small[0]))
        return self._strides[layer]

    def field(self, layer: str) -> tuple[int, int]:
        """Pixels before a place of the layer's map and from it on, on either axis, that hold nearly all of its field.

        A place lies at its number times the stride, which is not the middle where a network has no padding. The field
        is measured on noise, since the outer parts of the theoretical one hardly count (Luo et al., *Understanding the
        Effective Receptive Field*, 2016).
        """
        if layer not in self._fields:
            self._fields[layer] = self._measure(layer)
        return self._fields[layer]

    def _measure(self, layer: str) -> tuple[int, int]:
        noise = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
        with torch.enable_grad():
            picture = (0.45 + 0.2 * noise).to(self._network.device).requires_grad_(True)
            activation = self._network.activations(picture, [layer])[layer]
            if activation.dim() != 4:
                return SIDE // 2, SIDE // 2  # depends on the whole frame
            at = activation.shape[2] // 2
            (gradient,) = torch.autograd.grad(activation[0, :, at, at].square().sum(), picture)
        energy = gradient.double().square().sum(dim=(0, 1)).cpu()
        lines = torch.maximum(energy.sum(dim=0), energy.sum(dim=1))
        little, place = CUT_OFF * float(lines.sum()), at * self.stride(layer)
        from_start, from_end = lines.cumsum(0), lines.flip(0).cumsum(0)
        return place - int((from_start < little).sum()), SIDE - place - int((from_end < little).sum())
