"""Deliveries into rows, and a history into rows: what each order costs in CPU time, worker and database together."""

import hmac
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import func, select

from bench import backfill, big_orders, scratch_databases
from shopify_app import clock
from shopify_app.db import Database, insert_many
from shopify_app.records import archive, inbox, shops
from shopify_app.records.draining import Drain
from shopify_app.records.folder import FolderObjects
from shopify_app.records.seal import Seal
from shopify_app.records.shops import ShopFacts
from shopify_app.tables import Event, Segment

ORDERS = 4000
UPDATED = 0.25
"""Share of the orders that change once, a day later: a fulfilment, a note, a refund."""
BATCH = 100


@dataclass(frozen=True)
class Delivery:
    """A verified webhook."""

    shop: str
    topic: str
    body: bytes
    webhook_id: str
    event_id: None = None
    api_version: str = "2026-10"
    triggered_at: None = None
    secret_used: int = 0

    @property
    def signature(self) -> bytes:
        """What Shopify signs the body with."""
        return hmac.digest(b"shpss_of_the_draining_bench", self.body, "sha256")


FLOOD, SMALL_SHOPS = 100_000, 50


def measure() -> dict[str, Any]:
    """Orders per CPU second on both databases, new ones and changed ones; and how small shops fare in a flood."""
    bodies = [big_orders.body(number) for number in range(ORDERS)]
    figures: dict[str, Any] = {"orders": ORDERS, "body_bytes": round(sum(map(len, bodies)) / ORDERS)}
    with TemporaryDirectory() as folder:
        figures["sqlite"] = _drained(Path(folder), scratch_databases.sqlite(Path(folder)), bodies)
        figures["postgresql"] = _drained(Path(folder), scratch_databases.postgresql(), bodies)
    return figures | {"backfill": backfill.measure()}


def _drained(folder: Path, opened: AbstractContextManager[Database], bodies: list[bytes]) -> dict[str, Any]:
    changes = [big_orders.body(number, 86_400) for number in range(0, ORDERS, round(1 / UPDATED))]
    with opened as database:
        drain = Drain(database, scratch_databases.settings(database.url, folder))
        _open_shop(database)
        _accept(database, "orders/create", bodies)
        new = _cost(database, lambda: drain.all(BATCH))
        sealed = _sealed(database, folder)
        _accept(database, "orders/updated", changes)
        changed = _cost(database, lambda: drain.all(BATCH))
        flooded = _flood(database)
    return {
        "new_orders_per_cpu_second": round(len(bodies) / new["cpu_seconds"]),
        "changes_per_cpu_second": round(len(changes) / changed["cpu_seconds"]),
        "new": new,
        "sealed": sealed,
        "changed": changed,
        "flood": flooded,
    }


def _sealed(database: Database, folder: Path) -> dict[str, float]:
    """The same orders into segments of the archive, and how many bytes each takes there."""
    objects = FolderObjects(folder / f"segments-{database.engine.dialect.name}")
    cost = _cost(database, lambda: archive.seal_shop(database, objects, Seal(scratch_databases.KEYS), SHOP))
    with database.reading() as db:
        orders, size = db.execute(select(func.sum(Segment.events), func.sum(Segment.size))).one()
    cpu = round(1e6 * cost["cpu_seconds"] / orders)
    return cost | {"microseconds_per_order": cpu, "bytes_per_order": round(size / orders)}


def _cost(database: Database, work: Callable[[], object]) -> dict[str, float]:
    worker, server = time.process_time(), scratch_databases.server_seconds(database)
    work()
    worker, server = time.process_time() - worker, scratch_databases.server_seconds(database) - server
    return {"cpu_seconds": round(worker + server, 3), "worker": round(worker, 3), "database": round(server, 3)}


def _accept(database: Database, topic: str, bodies: list[bytes]) -> None:
    seal = Seal(scratch_databases.KEYS)
    with database.transaction() as db:
        for number, body in enumerate(bodies):
            inbox.accept(db, Delivery(SHOP, topic, body, f"{topic} {number}"), seal, clock.now())
    with database.reading() as db:
        assert inbox.pending_count(db) == len(bodies)


def _flood(database: Database) -> dict[str, Any]:
    """One shop has a hundred thousand deliveries waiting, fifty have one each: how soon are the fifty served?"""
    with database.transaction() as db:
        for first in range(0, FLOOD, 5000):
            insert_many(db, Event, [_waiting(SHOP, number) for number in range(first, first + 5000)])
        insert_many(db, Event, [_waiting(f"small-{number}.myshopify.com", number) for number in range(SMALL_SHOPS)])
    started = time.process_time() + scratch_databases.server_seconds(database)
    left, batches = SMALL_SHOPS, 0
    while left:
        with database.transaction() as db:
            batch = inbox.claim(db, BATCH)
            assert batch is not None
            inbox.finish(db, batch)
        left -= batch.shop != SHOP
        batches += 1
    spent = time.process_time() + scratch_databases.server_seconds(database) - started
    told = {"waiting": FLOOD, "small_shops": SMALL_SHOPS, "batches_until_all_were_served": batches}
    return told | {"cpu_ms_per_batch": round(1000 * spent / batches, 2)}


def _waiting(shop: str, number: int) -> dict[str, Any]:
    key = {"shop": shop, "topic": "orders/create", "delivery_key": f"flood {number}", "signature": b""}
    return key | {"received_at": clock.now(), "secret_used": "current", "state": "pending", "attempts": 0}


SHOP = "bench.myshopify.com"


def _open_shop(database: Database) -> None:
    facts = ShopFacts("Bench", "EUR", "Europe/Berlin", "DE")
    with database.transaction() as db:
        shops.install(db, SHOP, facts, "read_orders", clock.now())
