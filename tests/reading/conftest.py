"""The whole way over HTTP: a local Shopify with two shops that sell under the same ids, the app, and its workers."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from devstore.config import AppConfig, ShopConfig
from devstore.sales.model import Order as Sold
from devstore.sales.model import Sales
from devstore.server import DevStore
from shopify_app import nudge
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.records import canary
from shopify_app.records.draining import Drain
from shopify_app.tables import Job, Order, OrderLine, Shop
from tests.apps import an_app
from tests.devstore.few_sales import SUMMER, FewSales
from tests.worlds import World
from workers import run
from workers.context import Context

TOML = Path(__file__).parents[2] / "shopify.app.toml"
READING = ("backfill", "catalogue", "reconcile")
Line = tuple[int, int, int | None, int]


@dataclass
class Town:
    """Two shops, their Shopify and the app."""

    store: DevStore
    context: Context
    sales: dict[str, Any]
    server: BaseWSGIServer | None = None
    _drain: Drain = field(init=False)

    def __post_init__(self) -> None:
        self._drain = Drain(self.context.database, self.context.settings)

    def listen(self) -> None:
        """Answer webhooks and pages on the app's address."""
        port = int(self.context.settings.app_url.rpartition(":")[2])
        app = an_app(self.context.settings, self.context.database)
        self.server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def hang_up(self) -> None:
        """Be away: connections are refused."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def open_app(self, handle: str) -> Shop:
        """Install the app on the shop and open it, as its merchant does."""
        shop = self.store.shop(handle)
        if not shop.is_installed:
            shop.install()
        query = {"shop": shop.domain, "embedded": "1", "id_token": shop.mint_id_token()}
        reply = requests.get(self.context.settings.app_url, params=query, timeout=20)
        assert reply.status_code == 200, reply.text
        return self.shop(handle)

    def shop(self, handle: str) -> Shop:
        with self.context.database.reading() as db:
            return db.scalars(select(Shop).where(Shop.domain == f"{handle}.myshopify.com")).one()

    def control(self, handle: str, path: str, body: dict[str, Any]) -> Any:
        """Use the local Shopify's control door."""
        reply = requests.post(f"{self.store.base_url}/_dev/{handle}/{path}", json=body, timeout=60)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def drain(self) -> int:
        """Make rows of what has come."""
        return self._drain.all(100)

    def work(self, most: int = 20) -> None:
        """Do what workers do until nothing of the reading is due; training is left out."""
        for _ in range(most):
            if not self.drain() + run.drain(self.context, READING):
                return

    def jobs(self, kind: str) -> list[Job]:
        with self.context.database.reading() as db:
            return list(db.scalars(select(Job).where(Job.kind == kind).order_by(Job.id)))

    def lines(self, handle: str) -> list[Line]:
        """What our rows say was sold in the shop."""
        with self.context.database.reading() as db:
            told = select(OrderLine.order_id, OrderLine.line_id, OrderLine.product_id, OrderLine.units)
            found = db.execute(told.where(OrderLine.shop_id == self.shop(handle).id).order_by(OrderLine.line_id)).all()
            return [(row[0], row[1], row[2], row[3]) for row in found]

    def orders(self, handle: str) -> int:
        with self.context.database.reading() as db:
            return len(db.scalars(select(Order.order_id).where(Order.shop_id == self.shop(handle).id)).all())

    def truth(self, handle: str) -> list[Line]:
        """What was sold, from the source of sales itself."""
        clock = self.store.shop(handle).clock
        sold: list[Sold] = list(self.sales[handle].orders(self.sales[handle].first_day, clock.today, clock.today))
        return sorted(
            (
                (order.order_id, line.line_id, line.product_id, line.current_quantity)
                for order in sold
                for line in order.lines
            ),
            key=lambda line: line[1],
        )


@contextmanager
def working(town: Town, work: Callable[[], object]) -> Iterator[None]:
    """A worker that lives and does this again and again."""
    over = threading.Event()

    def live() -> None:
        while not over.wait(0.05):
            with town.context.database.transaction() as db:
                canary.touch(db)
            work()

    with town.context.database.transaction() as db:
        canary.touch(db)
    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)


class Quiet(WSGIRequestHandler):
    """Keeps connections open and the server's log out of the test output."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *args: Any) -> None:
        """Say nothing."""


OpenTown = Callable[..., Town]
TownAsKept = Callable[..., Town]


@pytest.fixture
def open_town(settings: Settings, database: Database) -> Iterator[OpenTown]:
    """Opens towns; they are closed after the test."""
    opened: list[Town] = []

    def open_one(webhooks: str = "app", all_orders: bool = True, state: Path | None = None, **sales: Sales) -> Town:
        town = _town(settings, database, webhooks, all_orders, sales or few(), state)
        opened.append(town)
        town.listen()
        return town

    yield open_one
    for town in opened:
        town.hang_up()
        town.store.stop()


@pytest.fixture
def town(open_town: OpenTown) -> Town:
    """Alice and Bob sell different numbers of the same products in orders of the same ids."""
    return open_town()


@pytest.fixture
def town_as_kept(open_town: OpenTown, world: World) -> TownAsKept:
    """Opens a town that is made ready for the first test of the file and put back, Shopify and all, for the others."""

    def open_it(make_ready: Callable[[Town], object], **sales: Sales) -> Town:
        with world.made_once() as is_new:
            town = open_town(state=world.settings.var / "shopify", **sales)
            if is_new:
                make_ready(town)
        return town

    return open_it


def settled(town: Town) -> Town:
    """The town with the app opened in all shops and their histories read."""
    for handle in town.sales:
        town.open_app(handle)
    town.work()
    return town


def few() -> dict[str, Any]:
    prices, collections = {1: "1.00", 2: "2.00", 3: "3.00"}, {2: (SUMMER,), 3: (SUMMER,)}
    return {"alice": FewSales(), "bob": FewSales(lines=3, prices=prices, collections=collections)}


def _town(
    settings: Settings, database: Database, webhooks: str, all_orders: bool, sales: dict[str, Any], state: Path | None
) -> Town:
    spare = make_server("127.0.0.1", 0, lambda *_: [])
    app_url = f"http://127.0.0.1:{spare.server_port}"
    spare.server_close()
    toml = TOML if webhooks == "app" else _without_webhooks(settings.var)
    app = AppConfig(settings.api_key, settings.api_secret, app_url, toml)
    shops = [
        ShopConfig(handle, one, all_orders=all_orders, patience=0.4, restore_rate=10_000.0)
        for handle, one in sales.items()
    ]
    store = DevStore(shops, app, state)
    store.start()
    settings = replace(settings, app_url=app_url, dev_shopify_url=store.base_url, webhooks_for=webhooks)
    nudge.configure(settings)
    context = Context.of(settings, database)
    return Town(store, context, sales)


def _without_webhooks(folder: Path) -> Path:
    """The app's toml as somebody deploys it who leaves the webhooks to the app."""
    toml = folder / "shopify.app.toml"
    toml.write_text(TOML.read_text().partition("[webhooks]")[0])
    return toml
