"""So much and no more: what each name may do per second, kept in this process alone."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable


class Ration:
    """A bucket per name that holds `burst` and refills by `rate` a second. Safe for many threads.

    It remembers `names` of them; one that was not seen for longest starts anew, which is more than it would have had.
    """

    def __init__(
        self, rate: float, burst: float, names: int = 10_000, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._names, self._now = rate, burst, names, now
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def spend(self, name: Hashable) -> bool:
        """Take one. False when there is none."""
        with self._lock:
            now = self._now()
            left, at = self._left.get(name, (self._burst, now))
            left = min(left + (now - at) * self._rate, self._burst)
            self._left[name] = (left - 1 if left >= 1 else left, now)
            self._left.move_to_end(name)
            if len(self._left) > self._names:
                self._left.popitem(last=False)
            return left >= 1
