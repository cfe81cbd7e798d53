"""What runs in a process of Ray: one task of plain data, its segments given back as they are finished."""

import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import Interrupted, RenderError
from pipeline.farm.executor import Parcel
from pipeline.farm.ray_cluster import get, node_id
from pipeline.runtime.environment import use_passive_threads

BLOCK = 32 * 2**20  # bytes of a file that travel as one object
PREFIX = "dream-zoom-task-"

Packed = tuple[bytes, dict[str, bytes]]
"""JSON, and bytes by name."""


def packed(parcel: Parcel) -> Packed:
    """The parcel as it travels."""
    return json.dumps(parcel.data).encode(), dict(parcel.blobs)


def unpacked(content: Packed) -> Parcel:
    """The parcel that arrived."""
    data, blobs = content
    return Parcel(json.loads(data), blobs)


def perform(data: bytes, blobs: dict[str, bytes], inputs: dict[str, list[Any]]) -> Iterator[Packed]:
    """Do a task; ``inputs`` are the pieces of files by SHA-256, as references of Ray. An error is its last result."""
    yield packed(Parcel({"node": node_id(), "pid": os.getpid(), "host": f"{socket.gethostname()} ({os.getpid()})"}))
    use_passive_threads()
    try:
        from pipeline.farm.worker import run
        from pipeline.runtime.interrupt import Stop

        _remove_abandoned()
        with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", ignore_cleanup_errors=True) as folder:
            fetch = (lambda sha256: map(get, inputs[sha256])) if inputs else None
            for result in run(unpacked((data, blobs)), Path(folder), Stop(), fetch):
                yield packed(Parcel({**result.data, "gpu": _gpu_fraction()}, result.blobs))
    except (RenderError, Interrupted, OSError, MemoryError, ImportError) as error:
        yield packed(Parcel({"error": str(error) or type(error).__name__}))


def _gpu_fraction() -> float:
    """The largest fraction of the GPU's memory that this process took."""
    import torch

    if not torch.cuda.is_available() or not torch.cuda.max_memory_reserved():
        return 0.0
    return float(torch.cuda.max_memory_reserved() / torch.cuda.get_device_properties(0).total_memory)


def _remove_abandoned() -> None:
    """Delete the folders of tasks whose process was killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        number = folder.name.removeprefix(PREFIX).partition("-")[0]
        try:
            os.kill(int(number), 0)
        except (OSError, ValueError):
            shutil.rmtree(folder, ignore_errors=True)
