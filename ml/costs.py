"""What a run costs: CPU seconds and peak memory of this process."""

from __future__ import annotations

import os
import resource
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Costs:
    """CPU seconds by step."""

    def __init__(self) -> None:
        self.cpu_seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def of(self, step: str) -> Iterator[None]:
        """Adds the CPU seconds of the block to this step."""
        start = cpu_seconds()
        yield
        self.cpu_seconds[step] += cpu_seconds() - start

    def as_dict(self) -> dict[str, float]:
        """Rounded seconds by step, and the peak resident memory in MB."""
        seconds = {f"cpu_seconds_{step}": round(value, 3) for step, value in self.cpu_seconds.items()}
        return {**seconds, "peak_rss_mb": peak_rss_mb()}


def peak_rss_mb() -> float:
    """Highest resident memory of this process so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


def cpu_seconds() -> float:
    """CPU time of this process and of children that have ended: Prophet fits in one."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system
