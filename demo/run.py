"""make demo: the local Shopify and the app on this machine, with a shop whose orders keep coming."""

import argparse
import signal
import sys
import time
from pathlib import Path

from sqlalchemy import select

from demo.family import Broken, Family, Setup
from demo.watch import Watch
from shopify_app.db import Database
from shopify_app.errors import SettingError
from shopify_app.tables import Backfill, ForecastRun, OrderLine, Product, Shop

LINE_SECONDS = 1.0


def main() -> int:
    """Run until Ctrl-C. Returns 2 with one line when it cannot start."""
    chosen = _arguments()
    options = ["--speed", "0", "--embed", "script", "--embed", "test"]
    if chosen.orders:
        options += ["--orders", str(chosen.orders), "--all-orders"]
        if chosen.history_until:
            options += ["--history-until", chosen.history_until]
    setup = Setup(
        var=Path(chosen.var).resolve(),
        app_port=chosen.port,
        shopify_port=chosen.port + 1,
        devstore_options=options,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        print("starting the local Shopify, the app, its workers and the heartbeat …", flush=True)
        with Family(setup) as family:
            _play(family, chosen.speed)
    except (Broken, SettingError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    print("\nstopped; `make demo` goes on from here", flush=True)
    return 0


def _play(family: Family, speed: float) -> None:
    setup = family.setup
    watch = Watch(Database(f"sqlite:///{setup.var / 'foretally.db'}"), setup.domain)
    started = time.monotonic()
    family.shopify("install", {})
    family.open_app()
    family.wait("reading the shop's history", lambda: _tell(watch) and _backfilled(watch), 600, every=0.3)
    family.wait("the first forecast", lambda: _tell(watch) and watch.rows(ForecastRun), 600, every=0.3)
    print(f"\rfirst forecasts after {time.monotonic() - started:.0f} s{'':60}")
    print(f"\n  Admin page    {setup.admin_page}\n  Product page  {_product_page(family, watch)}")
    print("\nCtrl-C stops everything.\n", flush=True)
    family.shopify("clock", {"speed": speed})
    while True:
        family.check()
        _tell(watch)
        time.sleep(LINE_SECONDS)


def _product_page(family: Family, watch: Watch) -> str:
    """A page of the storefront that shows recommendations: that of the product sold most lately."""
    with watch.database.reading() as db:
        handle = db.scalar(
            select(Product.handle)
            .join(OrderLine, (OrderLine.shop_id == Product.shop_id) & (OrderLine.product_id == Product.product_id))
            .join(Shop, Shop.id == Product.shop_id)
            .where(Shop.domain == watch.domain, Product.is_published, Product.deleted_at.is_(None))
            .order_by(OrderLine.created_on.desc(), Product.product_id)
            .limit(1)
        )
    return f"{family.setup.storefront}products/{handle}"


def _backfilled(watch: Watch) -> bool:
    return any(row.state == "done" for row in watch.rows(Backfill))


def _tell(watch: Watch) -> bool:
    """News above, one line of progress below, rewritten in place on a terminal."""
    for line in watch.news():
        print(f"\r{line[:200]:<100}", flush=True)
    if sys.stdout.isatty():
        print(f"\r{watch.progress()[:100]:<100}", end="", flush=True)
    return True


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--var", default="var/demo", help="folder for everything the demo writes")
    parser.add_argument("--port", type=int, default=8800, help="the app's port; Shopify takes the next one")
    parser.add_argument("--speed", type=float, default=0.05, help="business days per second")
    parser.add_argument("--orders", type=Path, help="sell from an order file instead of the made-up shop")
    parser.add_argument("--history-until", help="last day of history when selling from a file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
