"""A history of 50,000 orders, read from a local Shopify over HTTP: CPU time of the app's side and its peak memory.

The app's side runs in a process of its own (`python -m bench.backfill RUN_FOLDER`), so that its memory is only its own.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from sqlalchemy import func, select

from bench import scratch_databases
from devstore.config import AppConfig, ShopConfig
from devstore.sales.synthetic import SyntheticSales
from devstore.server import DevStore
from shopify_app import clock, migrate, nudge
from shopify_app.platform.oauth import OAuth
from shopify_app.records import jobs, shops, tokens
from shopify_app.records.shops import ShopFacts
from shopify_app.tables import Order, OrderLine

TOML = Path(__file__).resolve().parents[1] / "shopify.app.toml"
HANDLE = "bench"
ORDERS_PER_DAY, DAYS = 105.0, 540
CPU_SECONDS, RSS_MB = 60, 400


def measure() -> dict[str, Any]:
    """The made-up shop with 105 orders a day for a year and a half, read whole into SQLite."""
    with TemporaryDirectory() as folder, _shopify() as store:
        done = subprocess.run(
            [sys.executable, "-m", "bench.backfill", folder, store.base_url, store.shop(HANDLE).mint_id_token()],
            capture_output=True,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-2000:])
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found | {"most_cpu_seconds": CPU_SECONDS, "most_rss_mb": RSS_MB}


@contextmanager
def _shopify() -> Iterator[DevStore]:
    sales = SyntheticSales(orders_per_day=ORDERS_PER_DAY, history_days=DAYS)
    app = AppConfig("key", "secret", "http://127.0.0.1:9", TOML)
    store = DevStore([ShopConfig(HANDLE, sales, all_orders=True, patience=0.1, restore_rate=10_000.0)], app)
    store.start()
    store.shop(HANDLE).install()
    try:
        yield store
    finally:
        store.stop()


def read(folder: Path, shopify_url: str, id_token: str) -> dict[str, Any]:
    """Install, then run the backfill job as a worker does. Imports of the training libraries are no part of it."""
    from workers import run
    from workers.context import Context

    context = _context(Context, folder, shopify_url)
    shop_id = _install(context, id_token)
    started, began = _cpu(), time.monotonic()
    while _is_waiting(context, shop_id):
        if not run.drain(context, ("backfill",)):
            time.sleep(0.5)
    spent, wall = _cpu() - started, time.monotonic() - began
    with context.database.reading() as db:
        orders = db.scalar(select(func.count()).select_from(Order).where(Order.shop_id == shop_id)) or 0
        lines = db.scalar(select(func.count()).select_from(OrderLine).where(OrderLine.shop_id == shop_id)) or 0
    return {
        "orders": orders,
        "lines": lines,
        "cpu_seconds": round(spent, 2),
        "orders_per_cpu_second": round(orders / spent),
        "wall_seconds": round(wall, 1),
        "peak_rss_mb": _peak_rss_mb(),
        "rss_mb_afterwards": round(psutil.Process().memory_info().rss / 2**20),
    }


def _context(kind: Any, folder: Path, shopify_url: str) -> Any:

    settings = scratch_databases.settings(f"sqlite:///{folder}/bench.db", folder, shopify_url)
    nudge.configure(settings)
    return kind.of(settings)


def _install(context: Any, id_token: str) -> int:
    migrate.to_head(context.settings.database_url)
    domain = f"{HANDLE}.myshopify.com"
    pair = OAuth("key", "secret", context.session).exchange_id_token(domain, id_token)
    with context.database.transaction() as db:
        facts = ShopFacts("Bench", "USD", "America/New_York", "US")
        shop = shops.install(db, domain, facts, pair.scope, clock.now())
        tokens.save(db, shop.id, pair, context.seal)
        jobs.ask(db, shop.id, "backfill", "measured")
    return shop.id


def _is_waiting(context: Any, shop_id: int) -> bool:
    with context.database.reading() as db:
        return jobs.is_open(db, shop_id, "backfill")


def _peak_rss_mb() -> int:
    """This process's own: `ru_maxrss` begins with that of the process it was forked from."""
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return round(int(peak.split()[1]) / 1024)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    print(json.dumps(read(Path(sys.argv[1]), sys.argv[2], sys.argv[3])))
