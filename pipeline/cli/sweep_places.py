"""Where the films of a sweep are rendered at a time: on which GPUs, or how many beside each other."""

import os
from collections.abc import Callable, Sequence

from pipeline.config import RenderConfig
from pipeline.errors import ConfigError

ANY_GPU = ("auto", "cuda")  # devices that mean the GPU which is there


def places(configs: Sequence[RenderConfig], gpus: Callable[[], Sequence[str]]) -> list[str]:
    """Where films are rendered at a time: what CUDA_VISIBLE_DEVICES is to be there, or "" where it stays as it is.

    A single place is this process. ``gpus`` names those there are, and is only asked where that matters. Raises
    ConfigError.
    """
    numbers = list(dict.fromkeys(config.jobs for config in configs))
    if len(numbers) > 1:
        written = ",".join("null" if number is None else str(number) for number in numbers)
        raise ConfigError("jobs", written, "one number holds for all films of a sweep")
    if len(configs) < 2 or numbers == [1]:
        return [""]
    movable = [config.device in ANY_GPU for config in configs]
    found = list(gpus()) if any(movable) else []
    count = min(len(configs), numbers[0] or (len(found) if all(movable) else 1))
    return [found[number % len(found)] if found else "" for number in range(count)] if count > 1 else [""]


def gpus() -> list[str]:
    """The names of the GPUs that this process may use."""
    import torch

    return named_gpus(os.environ.get("CUDA_VISIBLE_DEVICES"), torch.cuda.device_count())


def named_gpus(visible: str | None, count: int) -> list[str]:
    """What CUDA_VISIBLE_DEVICES calls each of ``count`` GPUs, where it is ``visible`` now (numbers or UUIDs)."""
    names = [str(number) for number in range(count)] if visible is None else visible.split(",")
    return [name.strip() for name in names[:count]]
