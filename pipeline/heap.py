"""Memory that was freed is kept for the next frame instead of being given back to the system."""

import ctypes
import platform
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of <malloc.h>
MOST = 2**31 - 1


def keep() -> None:
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


def trim() -> None:
    """Give back what is free, as far as the C library can: what is taken from then on can be measured."""
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


def _is_glibc() -> bool:
    return sys.platform.startswith("linux") and platform.libc_ver()[0] == "glibc"
