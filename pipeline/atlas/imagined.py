"""Pictures of an atlas that a generator makes: gradient ascent on its latent point, so that they are whole things."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from pipeline.atlas.generate import PictureSettings
from pipeline.atlas.selection import PictureTarget
from pipeline.dream.network import Network
from pipeline.image import resize
from pipeline.inputs.latent_ascent import ascend
from pipeline.networks.trained_generator import TrainedGenerator


def imagine(
    network: Network,
    targets: Sequence[PictureTarget],
    settings: PictureSettings,
    trained: TrainedGenerator,
    truncation: float,
    stop: Callable[[], bool] = lambda: False,
) -> Tensor | None:
    """Targets → ``(targets, diversity, 3, side, side)`` in [0, 1] on the CPU; copies begin at other points.

    A class that the generator knows by name begins there, any other target at the class that fires it most.

    None when ``stop()``, called before every picture, is true.
    """
    side, pictures = settings.sides[-1], []
    generator, classes = trained.generator, trained.header.classes
    for target in targets:
        name = target.target.removeprefix("class:")
        label = classes.index(name) if name in classes else None
        for copy in range(settings.diversity):
            if stop():
                return None
            value = partial(_activation, network, target, side)
            point = ascend(generator, value, label, settings.seed * 1000 + copy, truncation)
            with torch.no_grad():
                pictures.append(resize(generator(*point), (side, side)).clamp(0, 1))
    return torch.cat(pictures).view(len(targets), settings.diversity, 3, side, side)


def _activation(network: Network, target: PictureTarget, side: int, picture: Tensor) -> Tensor:
    """The weighted mean activation of a target's parts on one picture, looked at with ``side`` pixels."""
    maps = network.activations(resize(picture, (side, side)).to(network.device), dict.fromkeys(target.layers))
    values = [weight * maps[layer][0, channel].mean() for layer, channel, weight in target.parts]
    return torch.stack(values).sum().cpu()
