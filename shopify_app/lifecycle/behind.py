"""Write things down behind an answer: in batches, on a thread, and never at the answer's expense."""

import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from shopify_app.log import log

Item = TypeVar("Item")

WAITING = 10_000
BATCH = 500
GATHER_SECONDS = 0.05


class Behind(Generic[Item]):
    """A bounded queue with one writer thread. When it is full, or writing fails, items are lost and counted."""

    def __init__(self, write: Callable[[list[Item]], None]) -> None:
        self._write = write
        self._queue: queue.Queue[Item] = queue.Queue(WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.lost = 0

    def put(self, item: Item) -> None:
        """Take an item without waiting."""
        try:
            self._start()
            self._queue.put_nowait(item)
        except (queue.Full, RuntimeError):  # the latter when the system has no thread left
            self.lost += 1

    def flush(self) -> None:
        """Wait until everything taken so far is written or lost."""
        self._queue.join()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="behind", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            batch = [self._queue.get()]
            time.sleep(GATHER_SECONDS)
            while len(batch) < BATCH and not self._queue.empty():
                batch.append(self._queue.get())
            try:
                self._write(batch)
            except Exception:
                self.lost += len(batch)
                log.exception("exposures could not be written", lost=len(batch))
            finally:
                for _ in batch:
                    self._queue.task_done()
