"""Retry with backoff, each thing by itself: one that fails waits a while, and the others go on."""

import time
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

from sqlalchemy.exc import OperationalError

from shopify_app.errors import ForetallyError, ObjectsUnavailable
from shopify_app.log import log

Thing = TypeVar("Thing", bound=Hashable)

SHORTEST, LONGEST = 60.0, 3600.0
"""Seconds. Each failure in a row doubles the wait."""


class Backoff(Generic[Thing]):
    """Remembers, in this process, what failed lately. `now` gives seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._waiting: dict[Thing, tuple[float, float]] = {}

    def each(self, things: Iterable[Thing], do: Callable[[Thing], int], what: str) -> int:
        """Do each thing that is not waiting; returns the sum of the results. What fails is logged and waits.

        A database or object store that is down concerns all of them: that error is raised, and its thing waits too.
        """
        listed = list(dict.fromkeys(things))
        self._waiting = {thing: self._waiting[thing] for thing in listed if thing in self._waiting}
        total = 0
        for thing in listed:
            if self._now() < self._waiting.get(thing, (0.0, 0.0))[0]:
                continue
            try:
                total += do(thing)
            except (ObjectsUnavailable, OperationalError):
                self._put_off(thing)
                raise
            except ForetallyError as error:
                wait = self._put_off(thing)
                log.warning("it failed and has to wait", what=what, which=thing, error=str(error)[:200], seconds=wait)
            except Exception:
                log.exception("it failed and has to wait", what=what, which=thing, seconds=self._put_off(thing))
            else:
                self._waiting.pop(thing, None)
        return total

    def _put_off(self, thing: Thing) -> float:
        _, before = self._waiting.get(thing, (0.0, 0.0))
        wait = min(2 * before, LONGEST) or SHORTEST
        self._waiting[thing] = (self._now() + wait, wait)
        return wait
