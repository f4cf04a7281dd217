"""Long work lets others go first now and then: meanwhile deliveries become rows, and Shopify hears of alerts."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from shopify_app.log import log
from workers import deliver, ingest
from workers.context import Context

EVERY = 2.0
"""Seconds of work between two pauses: as long as a turn of the desk."""

Thing = TypeVar("Thing")


class GivingWay:
    """The pauses of one job. What goes wrong in them is logged, and no fault of the job's."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._again_at = time.monotonic() + EVERY

    def between(self, things: Iterable[Thing]) -> Iterator[Thing]:
        """The same things, with pauses in between when it is time. Not while a transaction is open."""
        for thing in things:
            yield thing
            if time.monotonic() >= self._again_at:
                self._pause()

    def _pause(self) -> None:
        for work in (ingest.drain, deliver.drain):
            try:
                work(self._context)
            except Exception:
                log.exception("others could not go first", work=work.__module__)
        self._again_at = time.monotonic() + EVERY
