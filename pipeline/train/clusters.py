"""Classes for pictures without any: clusters of a network's features."""

import logging

import torch
from torch import Tensor

from pipeline.config import NetworkConfig
from pipeline.dream import model_zoo
from pipeline.pictures.folder import Pictures

log = logging.getLogger(__name__)
MIN_IN_CLUSTER = 4
TRIES, ROUNDS = 8, 50
LAYERS = {"motifnet": "stage5"}
LAYER_OF_OTHERS = "head"


def with_clusters(pictures: Pictures, base: str, count: int, seed: int) -> Pictures:
    """The pictures with up to ``count`` clusters as classes, by the features of the network ``base``.

    Clusters of fewer than ``MIN_IN_CLUSTER`` pictures are spread over the others. A note tells their sizes.
    """
    features = _features(pictures.images, base)
    count = max(2, min(count, len(features) // (2 * MIN_IN_CLUSTER)))
    centres = k_means(features, count, seed)
    while len(centres) > 2:
        sizes = torch.bincount(_nearest(features, centres), minlength=len(centres))
        if int(sizes.min()) >= MIN_IN_CLUSTER:
            break
        centres = centres[torch.arange(len(centres)) != sizes.argmin()]
    labels = _nearest(features, centres)
    names = tuple(f"cluster_{number + 1}" for number in range(len(centres)))
    counts = torch.bincount(labels, minlength=len(centres)).tolist()
    parts = ", ".join(f"{name} ({size})" for name, size in zip(names, counts, strict=True))
    log.info(f"{pictures.source} has no folders as classes; similar pictures become one: {parts}")
    return Pictures(pictures.images, labels, names, pictures.source)


def k_means(features: Tensor, count: int, seed: int) -> Tensor:
    """Centres ``(count, d)`` of ``features`` ``(n, d)``: Lloyd's algorithm from k-means++, the best of ``TRIES``."""
    generator = torch.Generator().manual_seed(seed)
    best, least = features[:count], float("inf")
    for _ in range(TRIES):
        centres = features[torch.randint(len(features), (1,), generator=generator)]
        while len(centres) < count:
            far = torch.cdist(features, centres).min(1).values.square() + 1e-12
            centres = torch.cat([centres, features[torch.multinomial(far, 1, generator=generator)]])
        for _ in range(ROUNDS):
            labels, old = _nearest(features, centres), centres
            own = [features[labels == each] for each in range(count)]
            centres = torch.stack(
                [part.mean(0) if len(part) else before for part, before in zip(own, old, strict=True)]
            )
            if torch.equal(centres, old):
                break
        spread = float(torch.cdist(features, centres).min(1).values.square().sum())
        if spread < least:
            best, least = centres, spread
    return best


def _nearest(features: Tensor, centres: Tensor) -> Tensor:
    return torch.cdist(features, centres).argmin(1)


@torch.no_grad()
def _features(images: Tensor, base: str) -> Tensor:
    """One row for each picture: means of the features over places, each of unit deviation, in rows of length 1."""
    network, layer = model_zoo.build(NetworkConfig(name=base)), LAYERS.get(base, LAYER_OF_OTHERS)
    rows = [network.activations(image[None].float() / 255, [layer])[layer].mean((2, 3))[0] for image in images]
    features = torch.stack(rows).double()
    features = (features - features.mean(0)) / (features.std(0) + 1e-6)
    norms: Tensor = torch.linalg.vector_norm(features, dim=1, keepdim=True)
    return features / norms.clamp(min=1e-9)
