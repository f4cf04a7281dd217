"""Freed memory back to the system: a training leaves holes that the allocator would keep until the process ends."""

import ctypes
import gc
from contextlib import suppress


def give_back() -> None:
    """Return what is free, and what only refers to itself; on systems without glibc that is for Python alone."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
