"""Storing a delivery within the time Shopify gives us, or saying at once that we cannot."""

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from shopify_app import clock
from shopify_app.errors import ForetallyError
from shopify_app.log import log
from shopify_app.records.accepting import Delivery, Outcome, Stored
from shopify_app.records.inbox import as_stored
from shopify_app.records.intake import Intake, PostgresIntake, SqliteIntake
from shopify_app.records.seal import Seal

PATIENCE = 3.5
"""Seconds until a delivery is answered, whatever happens; Shopify hangs up after five."""
FULL = 512
"""Waiting deliveries, most of a second's work: whoever comes after them is asked to come again."""
TOGETHER = 64
"""Deliveries in one commit, at most."""
COMPANY = 0.002
"""Seconds that a commit waits for company when the one before had some: sharing it is most of what can be saved."""
IDLE = 10.0
"""Seconds of silence after which a thread closes its connection and goes home."""
POSTGRES_CONNECTIONS = 2
"""While one waits for the disk the other fills; more of them only make commits smaller."""


class Busy(ForetallyError):
    """The delivery could not be stored in time; Shopify sends it again."""


@dataclass(slots=True)
class Waiting:
    """A delivery on its way into the database. `told` is called once, from another thread."""

    stored: Stored
    told: Callable[[Outcome | Busy], None]
    until: float


class Acceptance:
    """Threads with a connection each, and the line of deliveries before them. SQLite has one writer, so one thread."""

    def __init__(self, url: str, seal: Seal, idle: float = IDLE) -> None:
        self._is_sqlite = url.startswith("sqlite")
        self._open: Callable[[], Intake] = lambda: SqliteIntake(url) if self._is_sqlite else PostgresIntake(url)
        self._seal = seal
        self._idle = idle
        self._most = 1 if self._is_sqlite else POSTGRES_CONNECTIONS
        self._line: queue.SimpleQueue[Waiting] = queue.SimpleQueue()
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
        """Store a verified delivery soon; `told` hears what became of it after the commit. Raises Busy when full.

        Nobody is told when it takes longer than PATIENCE: who waits should stop waiting then.
        """
        waiting = Waiting(as_stored(hook, self._seal, clock.now()), told, time.monotonic() + PATIENCE)
        with self._lock:
            if self._line.qsize() >= FULL:
                raise Busy("too many deliveries at once")
            self._line.put(waiting)
            if self._line.qsize() > self._resting and self._threads < self._most:
                self._threads += 1
                threading.Thread(target=self._work, name="acceptance", daemon=True).start()

    def _work(self) -> None:
        intake, had_company = self._open(), False
        while batch := self._next(had_company):
            had_company = len(batch) > 1
            try:
                _store(intake, batch)
            except Exception:
                log.exception("deliveries were left without an answer", deliveries=len(batch))
        intake.close()

    def _next(self, had_company: bool) -> list[Waiting]:
        """What is to be stored together. Nothing when nothing came for a while, which ends the thread."""
        first = self._first()
        if first is None:
            return []
        if had_company:
            time.sleep(COMPANY)
        batch = [first]
        with suppress(queue.Empty):
            while len(batch) < TOGETHER:
                batch.append(self._line.get_nowait())
        return batch

    def _first(self) -> Waiting | None:
        with self._lock:
            self._resting += 1
        first = None
        with suppress(queue.Empty):
            first = self._line.get(timeout=self._idle)
        with self._lock:
            self._resting -= 1
            if first is None and not self._line.empty():  # somebody came at the last moment, counting on us
                first = self._line.get_nowait()
            self._threads -= first is None
        return first


def _store(intake: Intake, batch: list[Waiting]) -> None:
    """Store those that somebody still waits for, and tell each what became of it."""
    in_time = [one for one in batch if time.monotonic() < one.until]
    results = intake.store([one.stored for one in in_time]) if in_time else []
    for one, result in zip(in_time, results, strict=True):
        if isinstance(result, Exception):
            one.told(Busy(f"the database did not take it ({type(result).__name__}: {str(result)[:200]})"))
        else:
            one.told(result)
