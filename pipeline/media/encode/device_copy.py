"""Copies packed frames from a GPU for the encoder's thread, while the next frame is already computed."""

from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import cache
from typing import Any

import torch
from torch import Tensor

from pipeline.errors import DreamError


def copy_to_host_async(packed: Tensor, finite: Tensor, failure: DreamError) -> Callable[[], memoryview]:
    """Start to copy ``packed`` from its device; the function returned waits for the copy and returns its bytes.

    ``finite`` is a boolean on the same device; where it is false, the function raises ``failure`` instead. On CUDA
    nothing here waits: both are copied to pinned memory on a separate stream, alongside the next frame's kernels. On
    any other device the copies are made at once.
    """
    stream = _copy_stream(packed.device)
    if stream is not None:
        stream.wait_stream(torch.cuda.current_stream(packed.device))  # until the frame is packed
    with nullcontext() if stream is None else torch.cuda.stream(stream):
        finite_copy, packed_copy = _copy(finite), _copy(packed)
        # blocking: the encoder's thread sleeps while it waits instead of polling.
        done = None if stream is None else stream.record_event(torch.cuda.Event(blocking=True))  # type: ignore[no-untyped-call]
    in_use = [packed, finite]  # keeps their memory until the copies are made

    def fetch() -> memoryview:
        if done is not None:
            done.synchronize()
        in_use.clear()
        if not finite_copy.item():
            raise failure
        return packed_copy.numpy().data.cast("B")

    return fetch


def _copy(tensor: Tensor) -> Tensor:
    """A copy on the CPU; from CUDA in pinned memory, complete when the stream has reached this point."""
    copy = None
    if tensor.device.type == "cuda":
        with suppress(RuntimeError):  # no more memory to pin: this copy is synchronous then
            copy = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    copy = torch.empty(tensor.shape, dtype=tensor.dtype) if copy is None else copy
    return copy.copy_(tensor, non_blocking=tensor.is_cuda)


@cache
def _copy_stream(device: torch.device) -> Any:
    """The stream for copies from a CUDA device; None for other devices."""
    return torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
