"""Who is told what: the webhook subscriptions of one shop, declared in the toml or made by API."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from devstore.manifest import COMPLIANCE_TOPICS, Manifest
from devstore.state import State

TOPICS = {
    "APP_SCOPES_UPDATE": "app/scopes_update",
    "APP_UNINSTALLED": "app/uninstalled",
    "BULK_OPERATIONS_FINISH": "bulk_operations/finish",
    "INVENTORY_LEVELS_UPDATE": "inventory_levels/update",
    "ORDERS_CANCELLED": "orders/cancelled",
    "ORDERS_CREATE": "orders/create",
    "ORDERS_DELETE": "orders/delete",
    "ORDERS_EDITED": "orders/edited",
    "ORDERS_UPDATED": "orders/updated",
    "PRODUCTS_CREATE": "products/create",
    "PRODUCTS_DELETE": "products/delete",
    "PRODUCTS_UPDATE": "products/update",
    "REFUNDS_CREATE": "refunds/create",
    "SHOP_UPDATE": "shop/update",
}
"""Name in the API -> name in headers and tomls."""
NAMES = {topic: name for name, topic in TOPICS.items()}

SCOPES = {
    "inventory_levels": "read_inventory",
    "orders": "read_orders",
    "products": "read_products",
    "refunds": "read_orders",
}
"""What an app must hold to be told about a resource."""


@dataclass(frozen=True)
class Subscription:
    """One topic to one address."""

    subscription_id: int
    topic: str
    uri: str
    include_fields: tuple[str, ...]
    name: str | None
    api_version: str
    source: str
    """`toml` or `api`; only the latter show in the API and die after failures."""
    created_at: datetime


class SubscriptionBook:
    """The subscriptions of one shop."""

    def __init__(self, state: State, shop: str) -> None:
        self._state, self._shop = state, shop

    def declare(self, manifest: Manifest) -> int:
        """Subscribe what the toml declares, instead of what it declared before. Returns how many."""
        with self._state.transaction():
            self._state.run("DELETE FROM subscriptions WHERE shop = ? AND source = 'toml'", self._shop)
            for one in manifest.subscriptions:
                self._add(one.topic, one.uri, one.include_fields, one.name, manifest.api_version, "toml")
        return len(manifest.subscriptions)

    def create(
        self, topic: str, uri: str, include_fields: Iterable[str], name: str | None, api_version: str
    ) -> Subscription:
        """Subscribe by API. Raises ValueError when the same topic already goes to that address."""
        if any(one.uri == uri for one in self.of_topic(topic)):
            raise ValueError("Address for this topic has already been taken")
        return self._row(self._add(topic, uri, tuple(include_fields), name, api_version, "api"))

    def delete(self, subscription_id: int) -> bool:
        """Remove one made by API. Returns False when there is none."""
        done = self._state.run(
            "DELETE FROM subscriptions WHERE shop = ? AND id = ? AND source = 'api'", self._shop, subscription_id
        )
        return done.rowcount == 1

    def clear(self) -> None:
        """Forget all, as an uninstall does."""
        self._state.run("DELETE FROM subscriptions WHERE shop = ?", self._shop)

    def of_topic(self, topic: str) -> list[Subscription]:
        """Whom to tell about this topic."""
        return [one for one in self.all() if one.topic == topic]

    def made_by_api(self) -> list[Subscription]:
        """Those the API shows."""
        return [one for one in self.all() if one.source == "api"]

    def all(self) -> list[Subscription]:
        """Every subscription, oldest first."""
        rows = self._state.rows("SELECT * FROM subscriptions WHERE shop = ? ORDER BY id", self._shop)
        return [_subscription(row) for row in rows]

    def _add(self, topic: str, uri: str, fields: tuple[str, ...], name: str | None, version: str, source: str) -> int:
        row = self._state.run(
            "INSERT INTO subscriptions (shop, topic, uri, include_fields, name, api_version, source, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            *(self._shop, topic, uri, json.dumps(fields), name, version, source, datetime.now(UTC).isoformat()),
        )
        return int(row.lastrowid or 0)

    def _row(self, subscription_id: int) -> Subscription:
        row = self._state.row("SELECT * FROM subscriptions WHERE id = ?", subscription_id)
        assert row is not None
        return _subscription(row)


def required_scope(topic: str) -> str | None:
    """The scope without which a topic stays silent."""
    return None if topic in COMPLIANCE_TOPICS else SCOPES.get(topic.split("/")[0])


def _subscription(row: sqlite3.Row) -> Subscription:
    return Subscription(
        subscription_id=row["id"],
        topic=row["topic"],
        uri=row["uri"],
        include_fields=tuple(json.loads(row["include_fields"])),
        name=row["name"],
        api_version=row["api_version"],
        source=row["source"],
        created_at=datetime.fromisoformat(row["created_at"]),
    )
