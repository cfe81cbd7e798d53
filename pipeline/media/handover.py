"""Packed frames from a GPU to the encoder's thread, while the next frame is dreamed already."""

from collections.abc import Callable

import torch
from torch import Tensor

from pipeline.errors import DreamError


def hand_over(packed: Tensor, healthy: Tensor, failure: DreamError) -> Callable[[], bytes]:
    """Begin to copy ``packed`` from its GPU; the function returned waits for the copy and returns its bytes.

    ``healthy`` is a truth value on the same GPU; where it turns out false, ``failure`` is raised instead. Nothing
    here waits: both go through pinned memory, which the GPU fills by itself once it has got there.
    """
    told = torch.empty((), dtype=torch.bool, pin_memory=True)
    page = torch.empty(packed.shape, dtype=packed.dtype, pin_memory=True)
    told.copy_(healthy, non_blocking=True)
    page.copy_(packed, non_blocking=True)
    there = torch.cuda.Event()  # type: ignore[no-untyped-call]
    there.record(torch.cuda.current_stream(packed.device))

    def fetch() -> bytes:
        there.synchronize()
        if not told.item():
            raise failure
        return page.numpy().tobytes()

    return fetch
