"""What the program has to know about a network of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor, nn


@dataclass(frozen=True)
class Definition:
    """A network whose architecture is in this folder.

    ``build`` gives the untrained module. ``find_weights`` gives the file of weights, None where ``package`` (of pip) is
    not installed or there is only a ``url``; its SHA-256 must be ``sha256`` unless that is empty. ``convert`` gives
    published tensors our names. ``classes`` are the names of the classes, None for ImageNet's; ``class_layer`` has a
    map for each of them. ``short_names`` are other names of layers. ``normalisation`` is the mean and the deviation of
    the input's colours.
    """

    build: Callable[[], nn.Module]
    find_weights: Callable[[], Path | None]
    class_layer: str
    normalisation: tuple[Sequence[float], Sequence[float]]
    classes: tuple[str, ...] | None = None
    package: str = ""
    url: str = ""
    sha256: str = ""
    short_names: Mapping[str, str] = field(default_factory=dict)
    convert: Callable[[Mapping[str, Tensor]], dict[str, Tensor]] = dict
