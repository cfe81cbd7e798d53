"""The smoothstep curve."""

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

Number = TypeVar("Number", float, "Tensor")


def smoothstep(x: Number) -> Number:
    """3x² − 2x³: from 0 to 1 with slope 0 at both ends, for ``x`` in [0, 1]."""
    return x * x * (3.0 - 2.0 * x)
