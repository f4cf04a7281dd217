"""Values from the database that are kept for seconds: one thread reads again, the others go on with what is there."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """A value per key, at most twice `seconds` old plus the time it takes to read.

    Whoever finds it too old reads it again. Who comes meanwhile takes the old value, or waits when that is older still.
    """

    def __init__(self, seconds: float, read: Callable[[Key, Value | None], Value]) -> None:
        self._seconds = seconds
        self._read = read
        self._kept: dict[Key, tuple[float, Value]] = {}
        self._reading: defaultdict[Key, threading.Lock] = defaultdict(threading.Lock)

    def get(self, key: Key) -> Value:
        """The key's value. `read` gets the one before it; what it raises is raised here, and nothing is kept."""
        kept, now = self._kept.get(key), time.monotonic()
        if kept is not None and now < kept[0] + self._seconds:
            return kept[1]
        usable = kept is not None and now < kept[0] + 2 * self._seconds
        if not self._reading[key].acquire(blocking=not usable):
            assert kept is not None
            return kept[1]
        try:
            return self._again(key, now)
        finally:
            self._reading[key].release()

    def forget(self, key: Key) -> None:
        """Read it again at the next question."""
        self._kept.pop(key, None)

    def _again(self, key: Key, asked: float) -> Value:
        before = self._kept.get(key)
        if before is not None and before[0] >= asked:
            return before[1]  # somebody read it while we waited
        started = time.monotonic()
        try:
            value = self._read(key, before[1] if before else None)
        except Exception:
            self.forget(key)
            raise
        self._kept[key] = (started, value)
        return value
