"""Where the arithmetic runs and how precise it is."""

import gc

import torch

from pipeline import heap
from pipeline.errors import ConfigError

NO_MEMORY = (
    *("out of memory", "not enough memory", "can't allocate memory", "bad_alloc"),
    *("could not create a memory", "could not create a primitive"),  # oneDNN's words
    *("_alloc_failed", "allocation_failed"),  # cuBLAS, cuFFT and cuDNN, each with its own beginning
    *("unable to find an engine to execute this computation", "unable to find a valid cudnn algorithm"),
)
"""In small letters. The last two are what is left where no algorithm's workspace found room."""

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(name: str, deterministic: bool = True) -> torch.device:
    """The device by name; ``auto`` takes CUDA, else Apple's GPU, else the CPU. ConfigError when it is not there.

    Not ``deterministic``: a CUDA device takes the algorithms that a trial finds fastest, and adds up in any order.
    """
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = deterministic, not deterministic
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cpu":
        heap.keep()
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError("device", name, f"this machine has {torch.cuda.device_count()} CUDA devices")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("device", name, "this machine has no Apple GPU")
    return ready(device)


def precisions(name: str, device: torch.device) -> tuple[torch.dtype, ...]:
    """The dtypes that the network's arithmetic may have; the fastest of several is found by measuring.

    ``auto`` is bfloat16 on CUDA. A processor with instructions for bfloat16 may take it or float32: it halves the time
    of some networks and adds half to that of others. Without them it takes many times as long.
    """
    if name != "auto":
        return (DTYPES[name],)
    if device.type == "cuda":
        return (torch.bfloat16,)
    return (torch.float32, torch.bfloat16) if device.type == "cpu" and _multiplies_bfloat16() else (torch.float32,)


def _multiplies_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 by itself, as far as torch knows."""
    known = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # not public, and not in every version
    return bool(known and known())


def device_words(device: torch.device) -> str:
    """What a record calls the device."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def in_order() -> bool:
    """Whether devices are to add up in the same order every time, as it was said when one was chosen."""
    return torch.backends.cudnn.deterministic


def ready(device: torch.device) -> torch.device:
    """The device, on CUDA set up to compute float32 convolutions in TF32 and everything else in all its digits.

    Matrix products turn colours and compare features outside of the network too, where ten bits would be seen. Both
    are torch's own defaults, which variables of the environment may have changed.
    """
    if device.type == "cuda":
        torch.backends.cuda.matmul.fp32_precision = "ieee"
        torch.backends.cudnn.conv.fp32_precision = "tf32"  # type: ignore[attr-defined]
    return device


def out_of_memory(error: BaseException) -> bool:
    """Whether a computation failed for want of memory, in whichever words its device has for it."""
    said = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(word in said for word in NO_MEMORY)


def release(device: torch.device) -> None:
    """Give memory back that torch keeps for later: smaller pieces will not fit into the old ones."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
