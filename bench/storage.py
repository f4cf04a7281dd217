"""What versioned storage costs: freezing a million lines, reading some columns back, one more commit, one object.

On SQLite in a folder, and on PostgreSQL where one answers (BENCH_POSTGRES_URL). CPU seconds are this process's own; the
database server's are not in them, and are told beside them where they can be read.
"""

import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from ml.dataset import read_dataset
from shopify_app import clock, migrate
from shopify_app.db import Database
from shopify_app.records import goods, parts, payloads, products, shops, snapshots
from shopify_app.records.folder import FolderObjects
from shopify_app.records.objects import Objects
from shopify_app.records.shops import ShopFacts
from shopify_app.tables import Order, OrderLine, Shop

LINES = int(os.environ.get("BENCH_LINES", "1000000"))
PRODUCTS, CUSTOMERS, DAYS, LINES_PER_ORDER = 2_000, 100_000, 730, 2.5
FIRST_ON = date(2024, 7, 1)
CUTOFF_ON = FIRST_ON + timedelta(days=DAYS - 1)
COMMITS, PUTS, READS = 20, 200, 5
SERVER = os.environ.get("BENCH_POSTGRES_URL", "postgresql://root@127.0.0.1:5432/root")
Result = TypeVar("Result")


def measure() -> dict[str, Any]:
    """CPU figures per database, and for objects in a folder."""
    found: dict[str, Any] = {"lines": LINES}
    with TemporaryDirectory() as text:
        folder = Path(text)
        found["bare_commit_cpu_ms"] = _bare_commits(folder / "bare.db", FolderObjects(folder / "bare"))
        found["sqlite"] = _storage(
            f"sqlite:///{folder}/bench.db", FolderObjects(folder / "objects"), folder / "dataset"
        )
        found["objects"] = _objects(FolderObjects(folder / "small"))
        try:
            with _database() as url:
                found["postgresql"] = _storage(url, FolderObjects(folder / "other"), folder / "other-dataset")
        except psycopg.OperationalError as error:
            found["postgresql"] = f"not measured: {error}"
    return found


def _storage(url: str, objects: Objects, dataset: Path) -> dict[str, Any]:
    database = Database(url, (b"k" * 32,))
    migrate.to_head(url)
    with database.transaction() as db:
        shop = shops.install(
            db, "bench.myshopify.com", ShopFacts("Bench", "EUR", "Europe/Berlin", "DE"), "read_orders", clock.now()
        )
    _fill(database, shop)

    def freeze() -> Any:
        return snapshots.freeze(database, objects, shop, CUTOFF_ON, "bench")

    figures: dict[str, Any] = {}
    figures["freeze_cpu_seconds"], snapshot = _cpu(freeze)
    assert snapshot.lines == LINES, f"{snapshot.lines} lines were frozen"
    figures["freeze_of_nothing_new_cpu_ms"] = _each(freeze, COMMITS)
    figures["commit_cpu_ms"] = _commits(database, objects, shop)
    figures["materialise_cpu_seconds"], _ = _cpu(lambda: snapshots.materialise(objects, snapshot, dataset))
    reads = [_cpu(lambda: read_dataset(dataset).lines(["product_id", "units", "created_on"])) for _ in range(READS)]
    figures["read_series_cpu_seconds"] = median(spent for spent, _ in reads)
    assert {table.num_rows for _, table in reads} == {LINES}
    figures["verify_cpu_seconds"], wrong = _cpu(lambda: snapshots.damaged(objects, snapshot))
    assert wrong == []
    figures["bytes"] = sum(path.stat().st_size for path in dataset.rglob("*.parquet"))
    database.engine.dispose()
    return figures


def _commits(database: Database, objects: Objects, shop: Shop) -> float:
    """One more commit: an order comes, the shop is frozen again. The median; without what storing the order costs."""
    spent = []
    for number in range(COMMITS):
        _one_more(database, shop, LINES + number)
        spent.append(_cpu(lambda: snapshots.freeze(database, objects, shop, CUTOFF_ON, "bench"))[0])
    return round(median(spent) * 1000, 2)


def _bare_commits(path: Path, objects: Objects) -> float:
    """What the least would cost on this machine now: a hundred rows as a file, and one row that names it."""
    database = sqlite3.connect(path)
    database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE files (sha256 TEXT)")
    chance, spent = np.random.default_rng(1), []
    for _ in range(COMMITS):
        rows = pa.table({f"column_{number}": chance.integers(0, 1000, 100) for number in range(10)})
        spent.append(_cpu(lambda rows=rows: _bare_commit(database, objects, rows))[0])  # type: ignore[misc]
    database.close()
    return round(median(spent) * 1000, 2)


def _bare_commit(database: sqlite3.Connection, objects: Objects, rows: pa.Table) -> None:
    buffer = BytesIO()
    pq.write_table(rows, buffer, compression="zstd")
    database.execute("INSERT INTO files VALUES (?)", (objects.put(buffer.getvalue()),))
    database.commit()


def _one_more(database: Database, shop: Shop, number: int) -> None:
    at = datetime.combine(CUTOFF_ON, datetime.min.time(), UTC) + timedelta(hours=12)
    with database.transaction() as db:
        about = {"shop_id": shop.id, "order_id": 10**9 + number, "created_at": at, "created_on": CUTOFF_ON}
        db.add(Order(**about, pseudonym=None, updated_at=at, total_amount=9.5))
        db.add(OrderLine(**about, line_id=number, product_id=1, variant_id=1, units=1, price_amount=9.5))
        db.flush()
        parts.sales_changed(db, shop.id, {CUTOFF_ON})


def _fill(database: Database, shop: Shop) -> None:
    """A million lines of a shop that sells every day, straight into the tables: storing is another bench's figure."""
    chance = np.random.default_rng(1)
    count = int(LINES / LINES_PER_ORDER)
    second = np.sort(chance.integers(0, DAYS * 86_400, count))
    names = [uuid.UUID(int=int(n)).hex for n in chance.integers(0, CUSTOMERS, count)]
    start = datetime.combine(FIRST_ON, datetime.min.time(), UTC)
    when = [start + timedelta(seconds=int(s)) for s in second]
    of_order = np.sort(chance.integers(0, count, LINES))
    sold = chance.zipf(1.3, LINES) % PRODUCTS + 1
    units, price = chance.integers(1, 4, LINES), chance.integers(100, 9900, LINES) / 100
    head = ((shop.id, n, names[n], when[n], when[n].date(), when[n], False, 0, False) for n in range(count))
    body = (
        (shop.id, int(o), n, int(sold[n]), 1, int(units[n]), float(price[n]), when[o], when[o].date())
        for n, o in enumerate(of_order)
    )
    orders = ["shop_id", "order_id", "pseudonym", "created_at", "created_on", "updated_at", "is_test"]
    orders += ["total_amount", "is_backfilled"]
    _copy(database, "orders", orders, head)
    columns = ["shop_id", "order_id", "line_id", "product_id", "variant_id", "units", "price_amount"]
    _copy(database, "order_lines", [*columns, "created_at", "created_on"], body)
    with database.transaction() as db:
        products.store(db, shop, [_product(number) for number in range(1, PRODUCTS + 1)])
        parts.sales_changed(db, shop.id, {FIRST_ON + timedelta(days=day) for day in range(DAYS)})


def _product(number: int) -> goods.ProductRecord:
    at = datetime.combine(FIRST_ON, datetime.min.time(), UTC).isoformat()
    told = {"id": number, "title": f"Product {number}", "product_type": "Tea", "tags": "a, b", "variants": []}
    return payloads.product(told | {"created_at": at, "updated_at": at, "status": "active", "published_at": at})


def _copy(database: Database, table: str, columns: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    with database.transaction() as db:
        driver: Any = db.connection().connection.driver_connection
        if database.is_sqlite:
            marks = ", ".join("?" * len(columns))
            driver.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", map(_texts, rows))
            return
        with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        driver.execute(f"ANALYZE {table}")


def _texts(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Times and days as this database keeps them."""
    return tuple(
        f"{v:%Y-%m-%d %H:%M:%S.%f}" if isinstance(v, datetime) else v.isoformat() if isinstance(v, date) else v
        for v in row
    )


def _objects(objects: Objects) -> dict[str, float]:
    bodies = [os.urandom(20_000) for _ in range(PUTS)]
    put = iter(bodies)
    figures = {"put_20_kb_cpu_ms": _each(lambda: objects.put(next(put)), PUTS)}
    names = iter(list(objects.list()))
    figures["get_20_kb_cpu_ms"] = _each(lambda: objects.read(next(names)), PUTS)
    return figures


@contextmanager
def _database() -> Iterator[str]:
    """A PostgreSQL database of our own."""
    name = f"foretally_bench_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(SERVER, autocommit=True, connect_timeout=3) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{SERVER.rpartition('/')[0]}/{name}".replace("postgresql://", "postgresql+psycopg://", 1)
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _each(work: Callable[[], object], times: int) -> float:
    """CPU milliseconds of one of many."""
    spent, _ = _cpu(lambda: [work() for _ in range(times)])
    return round(spent / times * 1000, 2)


def _cpu(work: Callable[[], Result]) -> tuple[float, Result]:
    """CPU seconds of all threads of this process."""
    started = time.process_time()
    result = work()
    return round(time.process_time() - started, 4), result
