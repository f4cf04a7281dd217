"""Webhooks per CPU second, server and database together: ours on SQLite and PostgreSQL against Shopify's Node stack.

Signed orders of 17 KB over 16 connections. Rounds take turns, so that whatever else the machine does hits all alike;
ratios are between medians of the same run. The sender's CPU time is not counted. What is stored is checked against
what was acknowledged. Milliseconds mean something only while nothing else runs: `load_average` says what did.
"""

import os
import shutil
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from bench import Missing, servers, webhook_load
from shopify_app import migrate, up

SECRET = "shpss_of_the_intake_bench"
CONNECTIONS = 16
ROUNDS, WARM_UP, PER_ROUND = 5, 4000, 3000
SETTLE = 0.3
"""Seconds for what is left to do after the last answer, such as SQLite's checkpoint; its CPU time counts."""


@dataclass
class Stack:
    """One way to take webhooks, running: a web server, maybe a database server, and how to count what is stored."""

    port: int
    web: int
    database: int | None
    count: Callable[[], int]
    rounds: list[dict[str, float]] = field(default_factory=list)
    acknowledged: int = 0

    def measure(self, deliveries: list[bytes]) -> None:
        """One round."""
        before, started = self._spent(), time.perf_counter()
        heard = self.take(deliveries)
        wall = time.perf_counter() - started
        time.sleep(SETTLE)
        web, database = (1000 * (now - then) / len(deliveries) for now, then in zip(self._spent(), before, strict=True))
        told = {"cpu_ms": web + database, "web_cpu_ms": web, "database_cpu_ms": database}
        told |= {"per_second": len(deliveries) / wall}
        self.rounds.append({**told, "p50_ms": heard.milliseconds(0.5), "p99_ms": heard.milliseconds(0.99)})

    def _spent(self) -> tuple[float, float]:
        return servers.cpu_seconds(self.web), servers.cpu_seconds(self.database) if self.database else 0.0

    def take(self, deliveries: list[bytes]) -> webhook_load.Heard:
        """Send deliveries, of which every single one has to be acknowledged."""
        heard = webhook_load.send(self.port, deliveries, CONNECTIONS)
        if heard.answers != {"200": len(deliveries)}:
            raise RuntimeError(f"not every delivery was acknowledged: {dict(heard.answers)}")
        self.acknowledged += len(deliveries)
        return heard

    def told(self) -> dict[str, Any]:
        """Medians of the rounds."""
        middle = {name: round(statistics.median(r[name] for r in self.rounds), 3) for name in self.rounds[0]}
        if self.count() != self.acknowledged:
            raise RuntimeError(f"{self.acknowledged} were acknowledged and {self.count()} are stored")
        return {
            "per_cpu_second": round(1000 / middle["cpu_ms"]),
            **middle,
            "cpu_ms_of_rounds": [round(r["cpu_ms"], 3) for r in self.rounds],
            "acknowledged_and_stored": self.acknowledged,
        }


def measure() -> dict[str, Any]:
    """Every stack's figures, and our ratios to the Node stack."""
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory()))
        postgres = running.enter_context(servers.postgresql())
        stacks = {
            "ours_sqlite": running.enter_context(_ours_on_sqlite(folder)),
            "shopify_node": running.enter_context(_node(folder, postgres)),
            "ours_postgresql": running.enter_context(_ours_on_postgresql(folder, postgres)),
        }
        _take_turns(list(stacks.values()))
        figures = {name: stack.told() for name, stack in stacks.items()}
    per_cpu = {name: figure["per_cpu_second"] for name, figure in figures.items()}
    ratios = {name: round(per_cpu[name] / per_cpu["shopify_node"], 2) for name in per_cpu if name != "shopify_node"}
    return {"times_shopify_node": ratios, "load_average": os.getloadavg()[0], **figures}


def _take_turns(stacks: list[Stack]) -> None:
    numbers = iter(range(len(stacks) * (WARM_UP + ROUNDS * PER_ROUND)))

    def some(count: int) -> list[bytes]:
        return webhook_load.deliveries([next(numbers) for _ in range(count)], SECRET.encode())

    for stack in stacks:
        stack.take(some(WARM_UP))
    for _ in range(ROUNDS):
        for stack in stacks:
            stack.measure(some(PER_ROUND))


@contextmanager
def _ours_on_sqlite(folder: Path) -> Iterator[Stack]:
    path = folder / "bench.db"
    with _ours(folder / "sqlite", f"sqlite:///{path}") as (port, process):
        yield Stack(port, process, None, lambda: _count_in_sqlite(path))


@contextmanager
def _ours_on_postgresql(folder: Path, postgres: servers.Postgres) -> Iterator[Stack]:
    database = postgres.database("ours")
    with _ours(folder / "postgresql", database) as (port, process):
        yield Stack(port, process, postgres.pid, lambda: _count(database, "inbox"))


@contextmanager
def _ours(var: Path, database: str) -> Iterator[tuple[int, int]]:
    """Our web server exactly as `up` starts it. There are no workers: nothing is drained meanwhile."""
    migrate.to_head(database.replace("postgresql://", "postgresql+psycopg://"))
    var.mkdir()
    settings = {
        "SHOPIFY_API_KEY": "bench",
        "SHOPIFY_API_SECRET": SECRET,
        "APP_URL": "https://app.example.com",
        "DATABASE_URL": database,
        "FORETALLY_VAR": str(var),
    }
    port = servers.free_port()
    with servers.web(up.web_command("127.0.0.1", port), port, var / "log", **settings) as process:
        yield port, process


@contextmanager
def _node(folder: Path, postgres: servers.Postgres) -> Iterator[Stack]:
    if not shutil.which("node") or not (servers.ROOT / "node_modules/@shopify/shopify-app-express").is_dir():
        raise Missing("node, or Shopify's packages for it: run `npm install`")
    database, port = postgres.database("node"), servers.free_port()
    settings = {"DATABASE_URL": database, "SHOPIFY_API_KEY": "bench", "SHOPIFY_API_SECRET": SECRET}
    settings |= {"PORT": str(port), "NODE_ENV": "production"}
    with servers.web(["node", "bench/peer/webhooks.mjs"], port, folder / "node.log", **settings) as process:
        yield Stack(port, process, postgres.pid, lambda: _count(database, "webhooks"))


def _count(database: str, table: str) -> int:
    with psycopg.connect(database) as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])


def _count_in_sqlite(path: Path) -> int:
    db = sqlite3.connect(path)
    try:
        return int(db.execute("SELECT count(*) FROM inbox").fetchone()[0])
    finally:
        db.close()
