"""Freed memory back to the system: a training leaves holes that the allocator would keep until the process ends."""

import ctypes
import gc
import os
import sys
from contextlib import suppress
from functools import cache

os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
"""Arrow's own allocator kept 90 MB of a shop's order lines for later; the system's gives them back."""
M_MMAP_THRESHOLD, LARGE = -3, 16 << 20
"""Arrays from this size on are given back once they are gone. glibc would learn from each to keep the next."""


def frugal() -> None:
    """Make this process keep less of what it frees; nothing on systems without glibc."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").mallopt(M_MMAP_THRESHOLD, LARGE)


def give_back() -> None:
    """Return what is free, and what only refers to itself; on systems without glibc that is for Python alone."""
    gc.collect()
    _settle(len(sys.modules))
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


@cache
def _settle(modules: int) -> None:
    """Look through what libraries made once after they were imported: it stays, and is nearly all there is.

    Once per number of modules and not each time: what a job still holds would never be looked at again.
    """
    gc.freeze()
