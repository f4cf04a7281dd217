"""A rate limit per name, kept in this process alone."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable


class RateLimit:
    """A token bucket per name: it holds `burst` and refills by `rate` a second. Safe for many threads.

    At most `names` are remembered; the one unseen for longest is dropped and starts full again.
    """

    def __init__(
        self, rate: float, burst: float, names: int = 10_000, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._names, self._now = rate, burst, names, now
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: Hashable) -> bool:
        """Take one token. False when the bucket is empty."""
        with self._lock:
            now = self._now()
            left, at = self._left.get(name, (self._burst, now))
            left = min(left + (now - at) * self._rate, self._burst)
            self._left[name] = (left - 1 if left >= 1 else left, now)
            self._left.move_to_end(name)
            if len(self._left) > self._names:
                self._left.popitem(last=False)
            return left >= 1
