"""Packed frames from a GPU to the encoder's thread, while the next frame is dreamed already."""

from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import cache
from typing import Any

import torch
from torch import Tensor

from pipeline.errors import DreamError


def hand_over(packed: Tensor, healthy: Tensor, failure: DreamError) -> Callable[[], memoryview]:
    """Begin to copy ``packed`` from its device; the function returned waits for the copy and returns its bytes.

    ``healthy`` is a truth value on the same device; where it turns out false, ``failure`` is raised instead. From a
    CUDA device nothing here waits: both go through pinned memory on a stream of their own, beside the next frame's
    arithmetic. From any other the copies are made at once.
    """
    stream = _beside(packed.device)
    if stream is not None:
        stream.wait_stream(torch.cuda.current_stream(packed.device))  # until the frame is packed
    with nullcontext() if stream is None else torch.cuda.stream(stream):
        told, page = _copied(healthy), _copied(packed)
        # Blocking: the encoder's thread, which waits for it, sleeps instead of asking again and again.
        there = None if stream is None else stream.record_event(torch.cuda.Event(blocking=True))  # type: ignore[no-untyped-call]
    held = [packed, healthy]  # their memory must not be used again before the copies are made

    def fetch() -> memoryview:
        if there is not None:
            there.synchronize()
        held.clear()
        if not told.item():
            raise failure
        return page.numpy().data.cast("B")

    return fetch


def _copied(tensor: Tensor) -> Tensor:
    """A copy on the CPU, of a CUDA device's in pinned memory, where it stands once the stream has come so far."""
    page = None
    if tensor.device.type == "cuda":
        with suppress(RuntimeError):  # a system may have no more memory to pin: then this copy is waited for
            page = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    page = torch.empty(tensor.shape, dtype=tensor.dtype) if page is None else page
    return page.copy_(tensor, non_blocking=tensor.is_cuda)


@cache
def _beside(device: torch.device) -> Any:
    """The stream of a CUDA device on which frames are copied; None of other devices."""
    return torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
