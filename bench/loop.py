"""What one shop's data costs on its way: history into rows, rows into a snapshot, a snapshot into versions."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from devstore.sales import payloads as shopify
from devstore.sales.synthetic import SyntheticSales
from ml import train
from shopify_app import clock, migrate
from shopify_app.db import Database
from shopify_app.records import ingest, payloads, shops, snapshots
from shopify_app.records.folder import FolderObjects
from shopify_app.records.shops import ShopFacts
from shopify_app.tables import Shop

Result = TypeVar("Result")
CHUNK = 400


def measure() -> dict[str, Any]:
    """CPU seconds of each step for the made-up shop's whole history, and rates where they mean something."""
    sales = SyntheticSales()
    records = [
        payloads.order(shopify.order_payload(order, sales.facts))
        for order in sales.orders(sales.first_day, sales.history_until)
    ]
    lines = sum(len(record.lines) for record in records)
    with TemporaryDirectory() as folder:
        figures = _steps(Path(folder), records, sales)
    figures["orders"], figures["lines"] = len(records), lines
    figures["lines_per_cpu_second"] = round(lines / figures["rows"])
    return figures


def _steps(folder: Path, records: list[payloads.OrderRecord], sales: SyntheticSales) -> dict[str, Any]:
    database, objects = Database(f"sqlite:///{folder}/bench.db", (b"k" * 32,)), FolderObjects(folder / "objects")
    migrate.to_head(database.url)
    with database.transaction() as db:
        facts = ShopFacts(sales.facts.name, sales.facts.currency, sales.facts.time_zone, sales.facts.country)
        shop = shops.install(db, "bench.myshopify.com", facts, "read_orders", clock.now())
    cutoff_on = sales.history_until - timedelta(days=1)
    dataset = folder / "dataset"
    figures = {"rows": _cpu(lambda: _store(database, shop, records))[0]}
    figures["freeze"], snapshot = _cpu(lambda: snapshots.freeze(database, objects, shop, cutoff_on, "bench"))
    figures["freeze_again"], _ = _cpu(lambda: snapshots.freeze(database, objects, shop, cutoff_on, "bench"))
    snapshots.materialise(objects, snapshot, dataset)
    figures["fit_forecast"], _ = _cpu(lambda: train.fit("forecast", dataset, folder / "f", config={}, seed=1))
    figures["predict"], _ = _cpu(lambda: train.predict(folder / "f", dataset, folder / "said"))
    figures["fit_recommend"], _ = _cpu(lambda: train.fit("recommend", dataset, folder / "r", config={}, seed=1))
    database.engine.dispose()
    return figures


def _store(database: Database, shop: Shop, records: list[payloads.OrderRecord]) -> None:
    for first in range(0, len(records), CHUNK):
        with database.transaction() as db:
            ingest.apply_backfill(db, shops.get(db, shop.id), records[first : first + CHUNK], business_clock="data")


def _cpu(work: Callable[[], Result]) -> tuple[float, Result]:
    started = time.process_time()
    result = work()
    return round(time.process_time() - started, 3), result
