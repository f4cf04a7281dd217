"""A web server of ours on one database, and the clients that send it signed webhooks while things break."""

import base64
import hmac
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psycopg

from bench import big_orders, servers
from shopify_app import migrate, up

SECRET = "shpss_of_the_fault_tests"
SHOP = "alice.myshopify.com"
SENDERS = 16


def signed(number: int, *, shop: str = SHOP, topic: str = "orders/create") -> tuple[bytes, dict[str, str]]:
    """A delivery about that order, whose webhook id is the order's number."""
    body = big_orders.body(number)
    headers = {
        "X-Shopify-Hmac-Sha256": base64.b64encode(hmac.digest(SECRET.encode(), body, "sha256")).decode(),
        "X-Shopify-Shop-Domain": shop,
        "X-Shopify-Topic": topic,
        "X-Shopify-Webhook-Id": str(number),
    }
    return body, headers


@dataclass
class Server:
    """The web server as `up` starts it, without workers."""

    var: Path
    database: str
    port: int = field(default_factory=servers.free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
            "SHOPIFY_API_KEY": "key",
            "SHOPIFY_API_SECRET": SECRET,
            "APP_URL": "https://app.example.com",
            "DATABASE_URL": self.database,
            "FORETALLY_VAR": str(self.var),
        }
        with (self.var / "log").open("ab") as log:
            self.process = subprocess.Popen(
                up.web_command("127.0.0.1", self.port),
                cwd=servers.ROOT,
                env=environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        servers.wait_for(self.process, self.port, self.var / "log")

    def kill(self) -> None:
        """kill -9 to every process of it, at once."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def answer(self, number: int, **how: str) -> int:
        """What one delivery is answered."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            return post(connection, number, **how)

    def stored(self) -> list[tuple[str, str, str]]:
        """Webhook id, shop and topic of every stored delivery. Raises when the database is damaged.

        Not what the app noted there itself: histories it has read.
        """
        ask = "SELECT substr(delivery_key, 3), shop, topic FROM inbox WHERE NOT delivery_key LIKE 'own:%' ORDER BY seq"
        if self.database.startswith("sqlite"):
            with closing(sqlite3.connect(self.database.removeprefix("sqlite:///"))) as db:
                assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                return list(db.execute(ask))
        with psycopg.connect(self.database) as db:
            return db.execute(ask).fetchall()


@contextmanager
def serving(var: Path, database: str) -> Iterator[Server]:
    """A running server on an empty database; every process of it is ended afterwards."""
    var.mkdir(exist_ok=True)
    migrate.to_head(database.replace("postgresql://", "postgresql+psycopg://"))
    made = Server(var, database)
    made.start()
    try:
        yield made
    finally:
        made.kill()


def post(connection: HTTPConnection, number: int, **how: str) -> int:
    """What one delivery is answered on this connection."""
    body, headers = signed(number, **how)
    connection.request("POST", "/webhooks", body=body, headers=headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


@dataclass
class Senders:
    """Sixteen clients that send order after order, every tenth one twice, until told to stop.

    A delivery without an answer is left: Shopify would send it again, here the next ones test the same.
    """

    server: Server
    first: int = 1
    acknowledged: set[str] = field(default_factory=set)
    answers: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    _sent: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def at_work(self, count: int = SENDERS) -> Iterator["Senders"]:
        """Send in the background."""
        self._over.clear()
        threads = [threading.Thread(target=self._send) for _ in range(count)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def hear(self, more: int) -> None:
        """Return when so many more deliveries are acknowledged, which takes ten seconds at most."""
        before, until = len(self.acknowledged), time.monotonic() + 10
        while len(self.acknowledged) < before + more and time.monotonic() < until:
            time.sleep(0.005)
        assert len(self.acknowledged) >= before + more

    def _send(self) -> None:
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        while not self._over.is_set():
            with self._lock:
                number, self._sent = self.first + self._sent, self._sent + 1
            for _ in range(2 if number % 10 == 0 else 1):
                try:
                    self._hear(number, connection)
                except (OSError, HTTPException):
                    connection.close()
                    time.sleep(0.02)
        connection.close()

    def _hear(self, number: int, connection: HTTPConnection) -> None:
        started = time.monotonic()
        status = post(connection, number)
        with self._lock:
            self.slowest = max(self.slowest, time.monotonic() - started)
            self.answers[status] += 1
            if status == 200:
                self.acknowledged.add(str(number))
