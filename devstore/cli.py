"""The command line of the dev store."""

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from devstore.config import AppConfig, ShopConfig
from devstore.errors import ConfigError, DevStoreError
from devstore.sales.model import Sales
from devstore.server import DevStore

DEFAULT_SHOP = "foretally-demo"
WRONG_USE = 2


def main(arguments: Sequence[str]) -> int:
    """Run a dev store until it is told to stop. Returns the exit code: 2 when it could not start."""
    options = parser().parse_args(arguments)
    try:
        with _told_to_end() as ended:
            _run(options, ended)
    except DevStoreError as error:
        print(f"devstore: {error}", file=sys.stderr)
        return WRONG_USE
    return 0


def _run(options: argparse.Namespace, ended: threading.Event) -> None:
    store = open_store(options)
    try:
        store.start(options.port)
        print(addresses(store), flush=True)
        ended.wait()
    finally:
        store.stop()


def parser() -> argparse.ArgumentParser:
    """The options and what they mean."""
    found = argparse.ArgumentParser(prog="python -m devstore", description="A local Shopify for one app.")
    add = found.add_argument
    add("--orders", type=Path, metavar="FILE", help="sell this Parquet or CSV file, not the made-up shop")
    add("--history-until", metavar="DATE", help="last day that lies in the past when the shop opens (YYYY-MM-DD)")
    add("--speed", type=float, default=0.0, metavar="D", help="business days per second; 0 waits for steps (default)")
    add("--seed", type=int, default=7, help="seed of the made-up shop and of the faults (default 7)")
    add("--port", type=int, default=8801, help="port to listen on (default 8801)")
    add("--shop", action="append", metavar="HANDLE", help=f"handle of a shop, may be repeated (default {DEFAULT_SHOP})")
    add("--app-url", default="http://127.0.0.1:8800", help="where the app is (default http://127.0.0.1:8800)")
    add("--api-key", default="foretally", help="the app's client id (default foretally)")
    add("--api-secret", default="foretally-dev-secret", help="the app's client secret")
    add("--toml", type=Path, metavar="FILE", help="the app's shopify.app.toml (default: the one in this folder)")
    add("--state", type=Path, metavar="DIR", help="remember tokens, metafields and the day here; a new start resumes")
    add("--patience", type=float, default=24.0, metavar="S", help="seconds that a delivery's eight retries take (24)")
    add("--all-orders", action="store_true", help="grant read_all_orders, so that no 60-day wall hides old orders")
    add(
        "--embed",
        action="append",
        default=[],
        metavar="NAME",
        help="switch this app embed on, as merchants do in a theme",
    )
    return found


def open_store(options: argparse.Namespace) -> DevStore:
    """A dev store as the options say. Raises ConfigError with one clear line."""
    if options.speed < 0:
        raise ConfigError(f"--speed must not be negative, but is {options.speed}")
    if options.patience <= 0:
        raise ConfigError(f"--patience must be positive, but is {options.patience}")
    app = AppConfig(
        options.api_key,
        options.api_secret,
        options.app_url.rstrip("/"),
        _toml(options.toml),
        embeds=tuple(options.embed),
    )
    handles = options.shop or [DEFAULT_SHOP]
    shops = [_shop(options, handle, place) for place, handle in enumerate(handles)]
    return DevStore(shops, app, options.state)


def addresses(store: DevStore) -> str:
    """Where a person looks first."""
    lines = []
    for handle in store.handles:
        lines.append(f"admin       {store.base_url}/store/{handle}/apps/{store.app.api_key}")
        lines.append(f"storefront  {store.base_url}/s/{handle}/")
    return "\n".join(lines)


def _shop(options: argparse.Namespace, handle: str, place: int) -> ShopConfig:
    return ShopConfig(
        handle=handle,
        sales=_sales(options, options.seed + place),
        all_orders=options.all_orders,
        speed=options.speed,
        seed=options.seed + place,
        patience=options.patience,
    )


def _sales(options: argparse.Namespace, seed: int) -> Sales:
    from devstore.sales.replay import ReplayedSales
    from devstore.sales.synthetic import SyntheticSales

    until = _day(options.history_until)
    try:
        if options.orders is None:
            return SyntheticSales(seed, history_until=until) if until else SyntheticSales(seed)
        if not options.orders.is_file():
            raise ConfigError(f"there is no order file {options.orders}")
        return ReplayedSales(options.orders, history_until=until)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ConfigError(f"--history-until must be a day like 2011-06-30, not {text!r}") from error


def _toml(given: Path | None) -> Path | None:
    if given is not None:
        if not given.is_file():
            raise ConfigError(f"there is no {given}")
        return given.resolve()
    found = Path("shopify.app.toml").resolve()
    return found if found.is_file() else None


@contextmanager
def _told_to_end() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets, also while the store is still starting."""
    ended, numbers = threading.Event(), (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in numbers}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
