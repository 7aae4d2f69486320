"""What the C library does with memory that was freed."""

from __future__ import annotations

import ctypes
import sys

# glibc's malloc.h.
_M_MMAP_THRESHOLD = -3
# glibc's own starting value, which it raises, up to 32 MiB, whenever a larger block is freed.
MMAP_FROM_BYTES = 128 * 1024


def return_freed_memory() -> bool:
    """Have glibc give every large block back to the system as soon as it is freed, in this whole process.

    Left alone, glibc learns from the first photos that are freed to keep such blocks in its heaps, one heap per thread
    or more; they fragment, and a process that decodes photos for hours grows slowly. With a fixed threshold photos
    and their tensors are mappings of their own. `benchmarks/soak.py` measures both. The same without code:
    ``MALLOC_MMAP_THRESHOLD_=131072`` in the environment.

    Returns:
        Whether it could be set: False where the C library is not glibc, which needs nothing of that kind.
    """
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    return bool(library.mallopt(_M_MMAP_THRESHOLD, MMAP_FROM_BYTES))
