"""Wake a worker. The rows it is woken for are committed already, so a lost ring costs only time: the sweeper rings too.

The only line of Celery outside `workers/`.
"""

import atexit
import threading
import time
from typing import Any

from shopify_app import config
from shopify_app.config import Settings
from shopify_app.log import log

QUEUES = {"ingest": "desk", "work": "desk", "deliver": "desk", "train": "training", "collect": "training"}
"""What can be rung, and who listens."""
RUNG_AT = "rung_at"
"""The header that says when."""

LISTEN_AGAIN = 0.1
"""Seconds between two looks of a worker at a broker made of files."""
ONCE = {"max_retries": 1, "interval_start": 0.0, "interval_step": 0.0, "interval_max": 0.0}
"""Do not insist on reaching the broker: the next ring tries again."""
APART = 0.25
"""Seconds between two rings: a storm of webhooks is a few messages, of almost a millisecond of CPU time each."""
IDLE = 10.0
"""Seconds of silence after which the thread goes home."""


def broker(settings: Settings) -> dict[str, Any]:
    """Celery's settings for the settings' broker, the same for who rings and who listens."""
    if not settings.broker_url.startswith("filesystem://"):
        return {"broker_url": settings.broker_url, "broker_transport_options": {}}
    queue, control = settings.var / "broker" / "queue", settings.var / "broker" / "control"
    for folder in (queue, control):
        folder.mkdir(parents=True, exist_ok=True)
    folders = {"data_folder_in": str(queue), "data_folder_out": str(queue), "control_folder": str(control)}
    return {
        "broker_url": "filesystem://localhost//",  # without a host that it does not need, Celery warns
        "broker_transport": "shopify_app.folder_broker:Transport",
        "broker_transport_options": {**folders, "polling_interval": LISTEN_AGAIN},
    }


class Doorbell:
    """Rings from one thread behind the request. Ringing never waits, never raises, and a broken broker is logged once.

    What is rung while a ring is on its way counts as one more ring, after it: the last ring always comes after the
    last commit.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._wanted: set[str] = set()
        self._sending: set[str] = set()
        self._bell = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_broken = False
        self._send: Any = None

    def ring(self, name: str) -> None:
        """Ask for one message to whoever listens for `name`."""
        if name in self._wanted and self._thread is not None and self._thread.is_alive():
            return  # that message is not on its way yet: it will come after this ring too
        with self._bell:
            self._wanted.add(name)
            if self._thread is None or not self._thread.is_alive():  # none yet, idle, or lost in a fork
                self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
                self._thread.start()
            self._bell.notify_all()

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything rung so far was sent or given up. False when that takes too long."""
        with self._bell:
            return self._bell.wait_for(lambda: not self._wanted and not self._sending, timeout)

    def _run(self) -> None:
        while True:
            with self._bell:
                if not self._bell.wait_for(lambda: self._wanted, IDLE):
                    self._thread = None
                    return
                self._sending, self._wanted = self._wanted, set()
            for name in sorted(self._sending):
                self._tell(name)
            with self._bell:
                self._sending = set()
                self._bell.notify_all()
            time.sleep(APART)

    def _tell(self, name: str) -> None:
        try:
            self._send = self._send or self._sender()
            told = {"queue": QUEUES[name], "headers": {RUNG_AT: time.time()}}
            self._send(f"foretally.{name}", **told, ignore_result=True, retry=False)
        except Exception as error:
            if not self._is_broken:
                log.warning("the broker is down: workers find their rows at the next sweep", error=type(error).__name__)
            self._is_broken = True
        else:
            self._is_broken = False

    def _sender(self) -> Any:
        """Celery's way to send, loaded here, behind the first request."""
        from celery import Celery

        bell = Celery("foretally", set_as_current=False)
        bell.conf.update(broker(self._settings), broker_connection_timeout=2, task_ignore_result=True)
        bell.conf.broker_transport_options = bell.conf.broker_transport_options | ONCE
        return bell.send_task


_doorbell: Doorbell | None = None
_making = threading.Lock()


def configure(settings: Settings) -> None:
    """Ring on this broker from now on."""
    global _doorbell
    with _making:
        _doorbell = Doorbell(settings)


def nudge(name: str) -> None:
    """Wake whoever does `name` (ingest, work, train, deliver, collect). Call it after the commit; returns at once."""
    if name not in QUEUES:
        raise ValueError(f"nobody listens for {name!r}")
    if _doorbell is None:
        configure(config.load())
    assert _doorbell is not None
    _doorbell.ring(name)


@atexit.register
def flush() -> None:
    """Wait a moment until what was rung is sent, so that a short-lived command is heard too."""
    if _doorbell is not None:
        _doorbell.flush(timeout=2.0)
