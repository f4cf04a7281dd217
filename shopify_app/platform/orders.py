"""Reading orders one by one or by date of change: what reconciling needs where the bulk query would be too much."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shopify_app import clock
from shopify_app.platform import rest
from shopify_app.platform.admin_api import AdminApi
from shopify_app.platform.gids import gid, number


@dataclass(frozen=True)
class ChangedOrder:
    """An order and when it last changed: enough to see whether our row is older."""

    order_id: int
    updated_at: datetime


def count_since(api: AdminApi, since: datetime | None = None) -> int:
    """How many orders were created at or after `since`, of those this app may see."""
    query = None if since is None else f"created_at:>='{_utc(since)}'"
    return int(api.run("orders_count", query=query)["ordersCount"]["count"])


def changed_since(api: AdminApi, since: datetime) -> Iterator[ChangedOrder]:
    """Every order that changed at or after `since`, oldest change first, page by page."""
    query, after = f"updated_at:>='{_utc(since)}'", None
    while True:
        page = api.run("orders_since", query=query, after=after)["orders"]
        for node in page["nodes"]:
            yield ChangedOrder(number(node["id"]), clock.parse(node["updatedAt"]))
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def order(api: AdminApi, order_id: int) -> dict[str, Any] | None:
    """One order with all its lines, in the shape of a webhook's payload. None when it is gone or out of reach."""
    node, lines = paged(api, "order", gid("Order", order_id), "lineItems")
    return None if node is None else rest.order(node, lines)


def paged(
    api: AdminApi, what: str, global_id: str, children: str
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """One object and all its children, however many pages they fill."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        node = api.run(what, id=global_id, after=after)[what]
        if node is None:
            return None, []
        found += node[children]["nodes"]
        if not node[children]["pageInfo"]["hasNextPage"]:
            return node, found
        after = node[children]["pageInfo"]["endCursor"]


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
