"""What each kind of target measures in a layer's activations: one function per kind, ``(1, C, h, w)`` → scalar.

All of them grow in proportion to the activations, so that in a sum none outgrows the others as a dream ripens.
Each is a mean over the map's places, or, where it is not, a function of such means, which stands beside it: so parts of
a map can be measured one by one.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

TINY = 1e-12
MOST_FEATURES = 1024  # of a guide that are compared with
PLACES_AT_ONCE = 4096  # of the frame that are compared at once


def layer(seen: Tensor) -> Tensor:
    """The mean square of everything that the layer sees (Mordvintsev, Olah and Tyka 2015); ``root`` follows."""
    return seen.square().mean()


def root(power: Tensor) -> Tensor:
    """A layer's mean square → its root, which has the same direction and does not grow by the square."""
    return (power + TINY).sqrt()


def channel(seen: Tensor, index: int | Tensor) -> Tensor:
    """The mean activation of one channel, or of one class: ``(1, C)`` will do; its index may be a tensor ``(1,)``."""
    return (seen[:, index] if isinstance(index, int) else seen.index_select(1, index)).mean()


def place(size: tuple[int, int], at: tuple[float, float]) -> tuple[int, int]:
    """(row, column) of a map of this size (h, w) at (x, y), fractions of it; the nearest where they lie outside."""
    row, column = (int(min(max(part, 0.0), 1.0) * length) for part, length in zip((at[1], at[0]), size, strict=True))
    return min(row, size[0] - 1), min(column, size[1] - 1)


def mixture(seen: Tensor) -> Tensor:
    """The channels' means summed with random but fixed signs, over the root of their count.

    Gradients so summed add up by their squares: it has the deviation of a usual channel's gradient.
    """
    means = seen.flatten(2).mean(dim=2)[0] if seen.dim() == 4 else seen[0]
    signs = torch.randint(0, 2, means.shape, generator=torch.Generator().manual_seed(1)) * 2.0 - 1
    mixed: Tensor = (means * signs.to(means.device)).sum() / len(means) ** 0.5
    return mixed


def meetings(seen: Tensor, indices: tuple[int, ...]) -> Tensor:
    """How much channels fire at the same places: the mean product of their maps, two by two, ``(K, K)``."""
    maps = seen[0, list(indices)].flatten(1).relu() + TINY
    return maps @ maps.T / maps.shape[1]


def overlap(met: Tensor) -> Tensor:
    """The mean cosine between the maps of channels that met so often, two by two.

    The diversity term of Olah, Mordvintsev and Schubert 2017, between channels instead of pictures.
    """
    length = met.diagonal().sqrt() + TINY
    together = met / (length[:, None] * length[None, :])
    mean: Tensor = (together.sum() - together.diagonal().sum()) / (len(met) * (len(met) - 1))
    return mean


def guide(seen: Tensor, features: Tensor) -> Tensor:
    """How much of its nearest guide feature each place sees, on average; ``features`` are ``(K, C)``.

    Guided dreaming after Mordvintsev, Olah and Tyka 2015: the nearest is the one of the greatest dot product. The
    features have unit length; otherwise the strongest of them would win everywhere.
    """
    places = seen[0].flatten(1).T
    with torch.no_grad():
        best = torch.cat([(part @ features.T).argmax(dim=1) for part in torch.split(places, PLACES_AT_ONCE)])
    return (places * features[best]).sum(dim=1).mean()


def features(seen: Tensor) -> Tensor:
    """What a guide's layer ``(1, C, h, w)`` sees, as ``(K, C)`` vectors of unit length, K spread over the places."""
    places = seen[0].flatten(1).T
    if len(places) > MOST_FEATURES:
        chosen = torch.linspace(0, len(places) - 1, MOST_FEATURES, device=places.device).long()
        places = places[chosen]
    return F.normalize(places, dim=1, eps=TINY)
