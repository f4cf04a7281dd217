"""Delivers signed webhooks: a few threads with kept-alive connections, five seconds each, eight retries."""

import heapq
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from devstore.postman import Postman
from devstore.signing import sign_body
from devstore.state import State
from devstore.traffic import Traffic

THREADS = 8
TIMEOUT = 5.0
RETRIES = 8
DONE_AT_ONCE = 100
"""Finished deliveries are struck off in batches of this size; after a crash up to so many are sent again."""


@dataclass
class Delivery:
    """One payload on its way to one address. A retry keeps the webhook id and the body."""

    shop: str
    uri: str
    topic: str
    headers: dict[str, str]
    body: bytes
    secret: str
    patience: float
    traffic: Traffic
    about: str = ""
    """What it is about, e.g. `orders 4711`, to tell which deliveries may overtake each other."""
    subscription_id: int | None = None
    row_id: int = 0
    attempts: int = 0
    is_duplicate: bool = False
    hold: float = 0.0
    """Seconds before the first attempt, when a running shop's deliveries are to be late."""
    done: Callable[["Delivery", bool], None] | None = field(default=None, repr=False)

    def backoff(self) -> float:
        """Seconds until the next attempt: each wait doubles, all eight together take `patience`."""
        return self.patience * (1 << (self.attempts - 1)) / ((1 << RETRIES) - 1)


class Batch:
    """Deliveries that somebody waits for."""

    def __init__(self, deliveries: list[Delivery]) -> None:
        self._left = len(deliveries)
        self._lock = threading.Condition()
        self.failed: list[Delivery] = []
        self.delivered: list[Delivery] = []
        for one in deliveries:
            one.done = self._finish

    def wait(self, timeout: float | None = None) -> bool:
        """Return when each was answered 2xx or given up."""
        with self._lock:
            return self._lock.wait_for(lambda: self._left == 0, timeout)

    def _finish(self, one: Delivery, delivered: bool) -> None:
        with self._lock:
            (self.delivered if delivered else self.failed).append(one)
            self._left -= 1
            if self._left == 0:
                self._lock.notify_all()


class Courier:
    """The delivery pool of a dev store; what is not delivered when it stops is sent after the next start."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._queue: list[tuple[float, int, Delivery]] = []
        self._order = itertools.count()
        self._wake = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._stopping = False
        self._finished: list[int] = []
        self.outstanding = 0

    def submit(self, deliveries: Iterable[Delivery]) -> Batch:
        """Keep these deliveries and send them in this order, as far as eight threads keep one."""
        listed = list(deliveries)
        self._remember([one for one in listed if not one.row_id])
        batch = Batch(listed)
        now = time.monotonic()
        with self._wake:
            for one in listed:
                heapq.heappush(self._queue, (now + one.hold if one.hold else 0.0, next(self._order), one))
            self.outstanding += len(listed)
            self._start()
            self._wake.notify(len(listed))
        return batch

    def stop(self) -> None:
        """Finish what is being sent and end the threads; the rest stays for the next start."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        for thread in self._threads:
            thread.join(TIMEOUT + 1)
        self._threads.clear()
        self._strike_off(at_least=1)

    def _start(self) -> None:
        for number in range(len(self._threads), min(THREADS, self.outstanding)):
            thread = threading.Thread(target=self._work, name=f"courier-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        postman = Postman()
        while (one := self._take()) is not None:
            headers = {**one.headers, "X-Shopify-Hmac-Sha256": sign_body(one.secret, one.body)}
            status, _, _ = postman.send(one.uri, one.body, headers, TIMEOUT)
            delivered = 200 <= status < 300
            one.traffic.record("webhook", **_entry(one, status))
            if delivered or one.attempts > RETRIES:
                self._finish(one, delivered)
            else:
                self._again(one)
        postman.close()

    def _take(self) -> Delivery | None:
        with self._wake:
            while not self._stopping:
                if self._queue and (wait := self._queue[0][0] - time.monotonic()) <= 0:
                    one = heapq.heappop(self._queue)[2]
                    one.attempts += 1
                    return one
                self._wake.wait(wait if self._queue else None)
        return None

    def _again(self, one: Delivery) -> None:
        self._state.run("UPDATE deliveries SET attempts = ? WHERE id = ?", one.attempts, one.row_id)
        with self._wake:
            heapq.heappush(self._queue, (time.monotonic() + one.backoff(), next(self._order), one))
            self._wake.notify()

    def _finish(self, one: Delivery, delivered: bool) -> None:
        with self._wake:
            self.outstanding -= 1
            self._finished.append(one.row_id)
            is_last = self.outstanding == 0
        self._strike_off(at_least=1 if is_last else DONE_AT_ONCE)
        if not delivered:
            self._count_failure(one)
        if one.done:
            one.done(one, delivered)

    def _count_failure(self, one: Delivery) -> None:
        """A subscription made by API dies with a delivery that failed nine times; those of the toml live on."""
        self._state.run("DELETE FROM subscriptions WHERE id = ? AND source = 'api'", one.subscription_id)

    def _remember(self, deliveries: list[Delivery]) -> None:
        with self._state.transaction():
            for one in deliveries:
                headers = json.dumps({**one.headers, "about": one.about})
                row = self._state.run(
                    "INSERT INTO deliveries (shop, uri, headers, body, subscription_id) VALUES (?, ?, ?, ?, ?)",
                    *(one.shop, one.uri, headers, one.body, one.subscription_id),
                )
                one.row_id = int(row.lastrowid or 0)

    def _strike_off(self, at_least: int) -> None:
        with self._wake:
            if len(self._finished) < at_least:
                return
            done, self._finished = self._finished, []
        self._state.run_many("DELETE FROM deliveries WHERE id = ?", [(row_id,) for row_id in done])


def _entry(one: Delivery, status: int) -> dict[str, Any]:
    return {
        "topic": one.topic,
        "uri": one.uri,
        "webhook_id": one.headers["X-Shopify-Webhook-Id"],
        "about": one.about,
        "attempt": one.attempts,
        "status": status,
        "duplicate": one.is_duplicate,
        "body": one.body.decode(),
    }
