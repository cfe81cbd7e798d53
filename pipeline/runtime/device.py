"""The device that computes: choice, determinism, memory."""

import ctypes
import gc
import platform
import sys

import torch

from pipeline.errors import ConfigError

OUT_OF_MEMORY_WORDS = (
    *("out of memory", "not enough memory", "can't allocate memory", "bad_alloc"),
    *("could not create a memory", "could not create a primitive"),  # oneDNN
    *("_alloc_failed", "allocation_failed"),  # cuBLAS, cuFFT and cuDNN, each with its own prefix
    *("unable to find an engine to execute this computation", "unable to find a valid cudnn algorithm"),
)
"""Lower case. The last two are errors of cuDNN when no algorithm's workspace fits."""
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(name: str, deterministic: bool = True) -> torch.device:
    """The device by name; ``auto`` takes CUDA, else Apple's GPU, else the CPU. ConfigError when it is not there.

    Without ``deterministic`` cuDNN takes the algorithms that a trial shows to be fastest, which add up in any order.
    """
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = deterministic, not deterministic
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cpu":
        reuse_freed_memory()
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError("device", name, f"this machine has {torch.cuda.device_count()} CUDA devices")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("device", name, "this machine has no Apple GPU")
    return with_float32_rules(device)


def with_float32_rules(device: torch.device) -> torch.device:
    """The device; CUDA computes float32 convolutions in TF32, and everything else in full float32.

    Matrix products also turn colours and compare features, where TF32's ten bits would show. Both are torch's defaults,
    which environment variables may have changed.
    """
    if device.type == "cuda":
        torch.backends.cuda.matmul.fp32_precision = "ieee"
        torch.backends.cudnn.conv.fp32_precision = "tf32"  # type: ignore[attr-defined]
    return device


def has_bfloat16() -> bool:
    """Whether this processor has instructions for bfloat16, as far as torch knows; without, it is 17 times slower."""
    known = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # not public, and not in every version
    return bool(known and known())


def training_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The dtype of the convolutions of a training."""
    if precision != "auto":
        return DTYPES[precision]
    is_fast = device.type == "cuda" or (device.type == "cpu" and has_bfloat16())
    return torch.bfloat16 if is_fast else torch.float32


def device_name(device: torch.device) -> str:
    """The device's name for records."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a computation failed for lack of memory, by the exception's type or its device's message."""
    message = str(error).lower()
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(words in message for words in OUT_OF_MEMORY_WORDS)


def release(device: torch.device) -> None:
    """Free the memory that torch caches: smaller blocks will not fit into the old ones."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of <malloc.h>
MAX_BYTES = 2**31 - 1


def reuse_freed_memory() -> None:
    """Make glibc reuse large freed blocks; does nothing with other C libraries.

    Every step allocates and frees the same activations. glibc maps blocks of more than 32 megabytes anew each time, and
    the system zeroes every page of them in a page fault: tens of thousands for a frame of 1920×1080. In exchange the
    process is larger at its peak, by 3 % at 640×360 and 10 % at 1280×720. See mallopt(3).
    """
    if _is_glibc():
        library = ctypes.CDLL(None)
        library.mallopt(M_TRIM_THRESHOLD, MAX_BYTES)
        library.mallopt(M_MMAP_MAX, 0)


def return_freed_memory() -> None:
    """Return free memory to the system, as far as glibc can, so that what is allocated next can be measured."""
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


def _is_glibc() -> bool:
    return sys.platform.startswith("linux") and platform.libc_ver()[0] == "glibc"
