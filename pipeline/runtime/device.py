"""Where the arithmetic runs and how precise it is."""

import ctypes
import gc
import platform
import sys

import torch

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
        keep_freed_memory()
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError("device", name, f"this machine has {torch.cuda.device_count()} CUDA devices")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("device", name, "this machine has no Apple GPU")
    return ready(device)


def has_bfloat16() -> bool:
    """Whether this processor has instructions for bfloat16, as far as torch knows; without, it is 17 times slower."""
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


M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of <malloc.h>
MOST = 2**31 - 1


def keep_freed_memory() -> None:
    """Have the C library reuse large blocks; does nothing where it is not glibc.

    A frame allocates and frees the same activations at each step. glibc maps blocks of more than 32 megabytes anew each
    time, and the system hands out every page of them zeroed and by an interrupt: tens of thousands for a frame of
    1920×1080. Holes between blocks in use make the process larger at its peak, by 3 % at 640×360 and 10 % at 1280×720.
    See mallopt(3).
    """
    if _is_glibc():
        library = ctypes.CDLL(None)
        library.mallopt(M_TRIM_THRESHOLD, MOST)
        library.mallopt(M_MMAP_MAX, 0)


def return_freed_memory() -> None:
    """Give back what is free, as far as the C library can: what is taken from then on can be measured."""
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


def _is_glibc() -> bool:
    return sys.platform.startswith("linux") and platform.libc_ver()[0] == "glibc"
