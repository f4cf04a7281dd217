"""One shop of the dev store: what it is, what it granted, and everything that belongs to it."""

import hashlib
import json
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from devstore import identity, payloads
from devstore.bulk import BulkDesk
from devstore.clock import BusinessClock
from devstore.config import AppConfig, ShopConfig
from devstore.courier import Batch, Courier, Delivery
from devstore.faults import Faults
from devstore.flow import FlowEngine
from devstore.graphql.cost import Bucket
from devstore.graphql.projector import compile_query
from devstore.installation import Installation
from devstore.manifest import Manifest
from devstore.metafields import MetafieldBook
from devstore.orders import OrderBook
from devstore.pixels import PixelBook
from devstore.products import ProductBook
from devstore.sales.model import Event, ShopFacts
from devstore.state import State
from devstore.subscriptions import Subscription, SubscriptionBook, required_scope
from devstore.tokens import TokenBook
from devstore.traffic import Traffic
from devstore.webhooks import address, announce


class Shop:
    """A shop and its one app. Public attributes are its departments; methods are what a merchant does."""

    def __init__(
        self, config: ShopConfig, app: AppConfig, manifest: Manifest, state: State, courier: Courier, files: Path
    ) -> None:
        self.config, self.app, self.manifest = config, app, manifest
        self.handle, self.domain, self.sales = config.handle, config.domain, config.sales
        self.facts, self.zone = config.sales.facts, ZoneInfo(config.sales.facts.time_zone)
        self.shop_id: int = stable_id(self.domain)
        app_id = stable_id(app.api_key)
        self._state, self._courier = state, courier
        state.run("INSERT OR IGNORE INTO shops (shop, installed, scopes) VALUES (?, 0, '[]')", self.handle)
        self.traffic, self.faults = Traffic(), Faults(config.seed)
        self.clock = BusinessClock(state, self.handle, self.zone, config.sales.history_until)
        self.orders: OrderBook = OrderBook(config.sales, self.clock)
        self.products: ProductBook = ProductBook(config.sales, self.clock)
        self.tokens = TokenBook(state, self.handle)
        self.codes: dict[str, float] = {}
        """Authorization codes that may still be exchanged, with the real time at which they end."""
        self.metafields = MetafieldBook(state, self.handle, app_id)
        self.subscriptions = SubscriptionBook(state, self.handle)
        self.pixels = PixelBook(state, self.handle, manifest.has_pixel)
        self.bucket = Bucket(config.restore_rate)
        self.flow = FlowEngine(self)
        self.bulk: BulkDesk = BulkDesk(state, self, files, compile_query)
        self._app_id = app_id
        self._send_what_was_left()

    @property
    def is_installed(self) -> bool:
        """Whether the app is installed here."""
        row = self._state.row("SELECT installed FROM shops WHERE shop = ?", self.handle)
        return bool(row and row["installed"])

    @property
    def scopes(self) -> tuple[str, ...]:
        """The access scopes that are granted."""
        row = self._state.row("SELECT scopes FROM shops WHERE shop = ?", self.handle)
        return tuple(json.loads(row["scopes"])) if row else ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """The app's client secrets that are valid."""
        return tuple(secret for secret in (self.app.api_secret, self.app.old_api_secret) if secret)

    @property
    def installation(self) -> Installation:
        """The app's installation, as the API shows it."""
        return Installation(stable_id(f"{self.domain}/{self.app.api_key}"), self._app_id, self.scopes)

    def mint_id_token(self) -> str:
        """A fresh ID token of the shop's staff member."""
        return identity.mint(self.domain, self.app.api_key, self.app.api_secret)

    def install(self, scopes: list[str] | None = None) -> dict[str, Any]:
        """Install the app (again): grant what its toml asks for, or these scopes, and subscribe its webhooks."""
        granted = list(scopes if scopes is not None else self.manifest.scopes)
        if self.config.all_orders and "read_all_orders" not in granted:
            granted.append("read_all_orders")
        with self._state.transaction():
            self._state.run(
                "UPDATE shops SET installed = 1, scopes = ?, installed_at = ? WHERE shop = ?",
                *(json.dumps(granted), datetime.now(UTC).isoformat(), self.handle),
            )
            subscribed = self.subscriptions.declare(self.manifest)
            for one in self.manifest.metafields:
                self.metafields.define(one.owner_type, None, one.key, one.type, one.name)
        return {"shop": self.domain, "scopes": granted, "subscriptions": subscribed}

    def uninstall(self) -> Batch:
        """Remove the app: its tokens are dead at once, then it is told. Data it stored stays, as at Shopify."""
        told = self._deliveries("app/uninstalled", payloads.uninstalled(self.shop_id, self.domain, self.facts))
        with self._state.transaction():
            self.tokens.revoke_all()
            self.subscriptions.clear()
            self.pixels.clear()
            self._state.run("UPDATE shops SET installed = 0, scopes = '[]' WHERE shop = ?", self.handle)
        return self._courier.submit(told)

    def change_scopes(self, grant: list[str], revoke: list[str]) -> Batch:
        """Grant and take back scopes, and tell the app."""
        previous = list(self.scopes)
        current = [scope for scope in previous if scope not in revoke]
        current += [scope for scope in grant if scope not in current]
        self._state.run("UPDATE shops SET scopes = ? WHERE shop = ?", json.dumps(current), self.handle)
        return self.announce("app/scopes_update", payloads.scopes_update(self.shop_id, previous, current))

    def change_facts(self, changes: dict[str, Any]) -> ShopFacts:
        """Change what the merchant may change in the settings: nobody is told. Raises ValueError."""
        known = asdict(self.facts)
        wrong = [name for name, value in changes.items() if name not in known or not isinstance(value, str)]
        if wrong:
            raise ValueError(f"no facts of a shop: {', '.join(wrong)}; known: {', '.join(known)}")
        facts = ShopFacts(**known | changes)
        try:
            zone = ZoneInfo(facts.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"no time zone: {facts.time_zone!r}") from None
        self.facts, self.zone = facts, zone
        return facts

    def send_compliance(self, topic: str, customer_id: int | None, order_ids: list[int]) -> Batch:
        """Send a privacy request. Raises ValueError for another topic or a missing customer."""
        body = payloads.compliance(topic, self.shop_id, self.domain, customer_id, order_ids, stable_id(topic))
        return self.announce(topic, body)

    def announce(self, topic: str, payload: dict[str, Any]) -> Batch:
        """Send one happening to its subscribers, untouched by faults."""
        return self._courier.submit(self._deliveries(topic, payload))

    def deliveries(self, events: list[Event]) -> list[Delivery]:
        """Make the business happenings known and write the deliveries that they cause."""
        for event in events:
            self.orders.observe(event)
        hearing = self._hearing()
        return [one for event in events for one in self._write(event.topic, event.payload, hearing)]

    def together(self) -> AbstractContextManager[None]:
        """What is written inside is kept together or not at all."""
        return self._state.transaction()

    def _deliveries(self, topic: str, payload: dict[str, Any]) -> list[Delivery]:
        return self._write(topic, payload, self._hearing())

    def _write(self, topic: str, payload: dict[str, Any], hearing: list[Subscription]) -> list[Delivery]:
        return announce(topic, payload, hearing, self.domain, self._delivery)

    def _hearing(self) -> list[Subscription]:
        """The subscriptions of an installed app that holds their scopes."""
        if not self.is_installed:
            return []
        granted = set(self.scopes)
        granted |= {scope.replace("write_", "read_", 1) for scope in granted}
        return [one for one in self.subscriptions.all() if required_scope(one.topic) in (None, *granted)]

    def _delivery(self, **parts: Any) -> Delivery:
        parts["uri"] = address(parts["uri"], self.app.app_url)
        return Delivery(
            shop=self.handle,
            secret=self.app.signing_secret,
            patience=self.config.patience,
            traffic=self.traffic,
            **parts,
        )

    def _send_what_was_left(self) -> None:
        """Deliveries that an earlier run of the dev store did not finish go out first, with their old ids."""
        rows = self._state.rows("SELECT * FROM deliveries WHERE shop = ? ORDER BY id", self.handle)
        left = []
        for row in rows:
            headers = json.loads(row["headers"])
            about = headers.pop("about")
            topic = headers["X-Shopify-Topic"]
            one = self._delivery(uri=row["uri"], topic=topic, headers=headers, body=row["body"], about=about)
            one.row_id, one.subscription_id = row["id"], row["subscription_id"]
            left.append(one)
        if left:
            self._courier.submit(left)


def stable_id(text: str) -> int:
    """A number that looks like Shopify's and is the same on every start."""
    return 10_000_000_000 + int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
