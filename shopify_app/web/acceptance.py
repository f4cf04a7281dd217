"""Store deliveries within the time Shopify gives us, several per commit, or say at once that we cannot."""

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from shopify_app import clock
from shopify_app.errors import ForetallyError
from shopify_app.log import log
from shopify_app.records.accepting import Delivery, InboxRow, Outcome
from shopify_app.records.inbox import as_row
from shopify_app.records.intake import Intake, PostgresIntake, SqliteIntake
from shopify_app.records.seal import Seal

PATIENCE = 3.5
"""Seconds until a delivery is answered, whatever happens; Shopify hangs up after five."""
QUEUE_LIMIT = 512
"""Deliveries that may wait, most of a second's work; further ones get 503."""
BATCH = 64
"""Deliveries in one commit, at most."""
BATCH_WAIT = 0.002
"""Seconds to wait for more deliveries after a commit of several: a shared commit is the largest saving there is."""
IDLE = 10.0
"""Seconds without a delivery after which a thread closes its connection and ends."""
POSTGRES_CONNECTIONS = 2
"""While one waits for the disk the other collects; with more, commits only get smaller."""


class Busy(ForetallyError):
    """The delivery could not be stored in time; Shopify sends it again."""


@dataclass(slots=True)
class Waiting:
    """A delivery in the queue. `told` is called once, from another thread."""

    stored: InboxRow
    told: Callable[[Outcome | Busy], None]
    until: float


class Acceptance:
    """A queue of deliveries, and threads with a connection each that store them: one thread on SQLite."""

    def __init__(self, url: str, seal: Seal, idle: float = IDLE) -> None:
        self._is_sqlite = url.startswith("sqlite")
        self._open: Callable[[], Intake] = lambda: SqliteIntake(url) if self._is_sqlite else PostgresIntake(url)
        self._seal = seal
        self._idle = idle
        self._most = 1 if self._is_sqlite else POSTGRES_CONNECTIONS
        self._queue: queue.SimpleQueue[Waiting] = queue.SimpleQueue()
        self._threads = self._resting = 0
        self._lock = threading.Lock()

    def accept(self, hook: Delivery) -> Outcome:
        """Store a verified delivery, durably, before returning. Raises Busy."""
        answers: queue.SimpleQueue[Outcome | Busy] = queue.SimpleQueue()
        self.submit(hook, answers.put)
        try:
            answer = answers.get(timeout=PATIENCE)
        except queue.Empty:
            raise Busy("the database took too long") from None
        if isinstance(answer, Busy):
            raise answer
        return answer

    def submit(self, hook: Delivery, told: Callable[[Outcome | Busy], None]) -> None:
        """Queue a verified delivery; `told` gets the outcome after the commit. Raises Busy when the queue is full.

        `told` is not called when it takes longer than PATIENCE: stop waiting then.
        """
        waiting = Waiting(as_row(hook, self._seal, clock.now()), told, time.monotonic() + PATIENCE)
        with self._lock:
            if self._queue.qsize() >= QUEUE_LIMIT:
                raise Busy("too many deliveries at once")
            self._queue.put(waiting)
            if self._queue.qsize() > self._resting and self._threads < self._most:
                self._threads += 1
                threading.Thread(target=self._work, name="acceptance", daemon=True).start()

    def _work(self) -> None:
        intake, was_shared = self._open(), False
        while batch := self._next(was_shared):
            was_shared = len(batch) > 1
            try:
                _store(intake, batch)
            except Exception:
                log.exception("deliveries were left without an answer", deliveries=len(batch))
        intake.close()

    def _next(self, was_shared: bool) -> list[Waiting]:
        """The deliveries of the next commit; none after IDLE seconds, which ends the thread."""
        first = self._first()
        if first is None:
            return []
        if was_shared:
            time.sleep(BATCH_WAIT)
        batch = [first]
        with suppress(queue.Empty):
            while len(batch) < BATCH:
                batch.append(self._queue.get_nowait())
        return batch

    def _first(self) -> Waiting | None:
        with self._lock:
            self._resting += 1
        first = None
        with suppress(queue.Empty):
            first = self._queue.get(timeout=self._idle)
        with self._lock:
            self._resting -= 1
            if first is None and not self._queue.empty():  # queued at the last moment, counting on this thread
                first = self._queue.get_nowait()
            self._threads -= first is None
        return first


def _store(intake: Intake, batch: list[Waiting]) -> None:
    """Store the deliveries that have not timed out, and tell each its outcome."""
    in_time = [one for one in batch if time.monotonic() < one.until]
    results = intake.store([one.stored for one in in_time]) if in_time else []
    for one, result in zip(in_time, results, strict=True):
        if isinstance(result, Exception):
            one.told(Busy(f"the database did not take it ({type(result).__name__}: {str(result)[:200]})"))
        else:
            one.told(result)
