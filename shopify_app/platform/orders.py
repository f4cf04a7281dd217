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


def count_since(api: AdminApi, since: datetime | None = None, until: datetime | None = None) -> int:
    """How many orders were created from `since` on and before `until`, of those this app may see."""
    bounds = [f"created_at:>='{_utc(since)}'" if since else "", f"created_at:<'{_utc(until)}'" if until else ""]
    return int(api.run("orders_count", query=" AND ".join(filter(None, bounds)) or None)["ordersCount"]["count"])


def first_created_at(api: AdminApi) -> datetime | None:
    """When the oldest order was created that this app may see; None when there is none."""
    return _edge(api, "CREATED_AT", "createdAt", reverse=False)


def last_created_at(api: AdminApi) -> datetime | None:
    """When the newest order was created; None when there is none."""
    return _edge(api, "CREATED_AT", "createdAt", reverse=True)


def last_changed_at(api: AdminApi) -> datetime | None:
    """When an order last changed; None when there is none."""
    return _edge(api, "UPDATED_AT", "updatedAt", reverse=True)


def created_since(api: AdminApi, since: datetime) -> Iterator[ChangedOrder]:
    """Every order created at or after `since`, oldest first, page by page."""
    yield from _pages(api, "orders_created", f"created_at:>='{_utc(since)}'")


def changed_since(api: AdminApi, since: datetime) -> Iterator[ChangedOrder]:
    """Every order that changed at or after `since`, oldest change first, page by page."""
    yield from _pages(api, "orders_since", f"updated_at:>='{_utc(since)}'")


def _pages(api: AdminApi, what: str, query: str) -> Iterator[ChangedOrder]:
    after = None
    while True:
        page = api.run(what, query=query, after=after)["orders"]
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


def _edge(api: AdminApi, sort_key: str, name: str, *, reverse: bool) -> datetime | None:
    nodes = api.run("orders_edge", sortKey=sort_key, reverse=reverse)["orders"]["nodes"]
    return clock.parse(nodes[0][name]) if nodes else None


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
