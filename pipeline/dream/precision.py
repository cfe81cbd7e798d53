"""Precision and memory layout of a network's arithmetic: a rule per network and device.

bfloat16 halves the time of convolutions on processors with instructions for it, of depthwise ones only with channels
last; so ``network.precision`` says what a network gets (docs/performance.md has the measurements).
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch

from pipeline.config import NetworkConfig
from pipeline.runtime.device import DTYPES, has_bfloat16


class Arithmetic(NamedTuple):
    """The dtype of convolutions, and whether activations have their channels last in memory."""

    precision: torch.dtype
    channels_last: bool


def choose_arithmetic(precision: str, network: NetworkConfig, device: torch.device) -> Arithmetic:
    """Resolve the settings ``precision`` and ``network.channels_last``, each of which may be ``auto``."""
    if precision != "auto":
        dtype = DTYPES[precision]
    elif device.type == "cpu":
        dtype = DTYPES[network.precision] if has_bfloat16() else torch.float32
    else:
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    # A GPU's units for half precision read channels last.
    half_on_gpu = device.type == "cuda" and dtype != torch.float32
    return Arithmetic(dtype, half_on_gpu or network.channels_last is True)


def recorded_arithmetic(spec: Mapping[str, object]) -> Arithmetic | None:
    """The arithmetic with which an unfinished film began; None where its spec does not tell."""
    dtype, channels_last = DTYPES.get(str(spec.get("device.precision"))), spec.get("device.channels_last")
    return Arithmetic(dtype, channels_last) if dtype is not None and isinstance(channels_last, bool) else None
