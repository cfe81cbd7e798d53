"""Where the arithmetic runs and how precise it is."""

import gc

import torch

from pipeline.errors import ConfigError

NO_MEMORY = (
    *("out of memory", "not enough memory", "can't allocate memory", "bad_alloc"),
    *("could not create a memory", "could not create a primitive"),  # oneDNN's words
)
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(name: str) -> torch.device:
    """The device by name; ``auto`` takes CUDA, else Apple's GPU, else the CPU. ConfigError when it is not there."""
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False  # the same frames every time
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError("device", name, f"this machine has {torch.cuda.device_count()} CUDA devices")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("device", name, "this machine has no Apple GPU")
    return ready(device)


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """The dtype of the network's arithmetic; ``auto`` is bfloat16 on CUDA and float32 elsewhere."""
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    return DTYPES[name]


def device_words(device: torch.device) -> str:
    """What a record calls the device."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def ready(device: torch.device) -> torch.device:
    """The device, on CUDA set up to compute float32 in TF32, as torch has convolutions by itself."""
    if device.type == "cuda":
        torch.backends.cuda.matmul.fp32_precision = "tf32"
    return device


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
