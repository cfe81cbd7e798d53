"""Where the arithmetic runs and how precise it is."""

import gc

import torch

from pipeline.errors import ConfigError

NO_MEMORY = (
    *("out of memory", "not enough memory", "can't allocate memory", "bad_alloc"),
    *("could not create a memory", "could not create a primitive"),  # oneDNN's words
)
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(name: str, gpus: int | None = None) -> torch.device:
    """The device by name, made ready; ``auto`` takes CUDA, else Apple's GPU, else the CPU.

    ``gpus`` is how many CUDA devices there are, where that is known already. Raises ConfigError when the device is not
    there.
    """
    count = (torch.cuda.device_count() if torch.cuda.is_available() else 0) if gpus is None else gpus
    if name == "auto":
        name = "cuda" if count else "mps" if torch.backends.mps.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= count:
        raise ConfigError("device", name, f"this machine has {count} CUDA devices")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("device", name, "this machine has no Apple GPU")
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False  # the same frames every time
    if device.type == "cuda":  # float32 in TF32, as torch has convolutions by itself
        torch.backends.cuda.matmul.fp32_precision = "tf32"
    return device


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """The dtype of the network's arithmetic; ``auto`` is bfloat16 on CUDA and float32 elsewhere."""
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    return DTYPES[name]


def device_words(device: torch.device) -> str:
    """What a record calls the device."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def out_of_memory(error: BaseException) -> bool:
    """Whether a computation failed for want of memory, in whichever words its device has for it."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(word in str(error) for word in NO_MEMORY)


def release(device: torch.device) -> None:
    """Give memory back that torch keeps for later: smaller pieces will not fit into the old ones."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
