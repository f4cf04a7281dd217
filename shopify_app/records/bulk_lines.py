"""Bulk results as records. Children name their parent and may come anywhere after it, so all lines are read first."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import takewhile
from typing import Any

import orjson

from shopify_app.records import payloads
from shopify_app.records.goods import ItemRecord, ProductRecord, collections_of
from shopify_app.records.payloads import LineRecord, OrderRecord, StockRecord
from shopify_app.tables.base import LARGEST_ID

COLLECTION = "gid://shopify/Collection/"


def orders(lines: Iterable[bytes]) -> Iterator[OrderRecord]:
    """Every order of a result, oldest first. Reads to the end before the first one comes.

    Raises ValueError for a line that cannot be read: a broken download must not pass for a short history.
    """
    gathered = _Gathered()
    for node in _nodes(lines):
        gathered.take(node)
    _no_orphans(gathered.lines, gathered.orders)
    yield from gathered.by_time()


def customers(lines: Iterable[bytes]) -> Iterator[int]:
    """The numbers of customers of a result. Raises ValueError for a line that cannot be read."""
    return (number(node.get("id")) for node in _nodes(lines))


def whole_orders(lines: Iterable[bytes]) -> list[OrderRecord]:
    """The oldest orders of a result that was cut short, up to the first one of which lines are missing.

    A partial result ends anywhere, in the middle of a line too, and nothing says what it lacks. An order counts as
    whole when its lines add up to the units that it says it has.
    """
    gathered = _Gathered()
    with suppress(ValueError):
        for node in _nodes(lines):
            gathered.take(node)
    return list(takewhile(gathered.is_whole, gathered.by_time()))


class _Gathered:
    """Orders and lines of a result as they come, in whatever sequence."""

    def __init__(self) -> None:
        self.orders: dict[int, OrderRecord] = {}
        self.lines: dict[int, list[LineRecord]] = {}
        self.promised: dict[int, int] = {}
        self._numbers: dict[str, int] = {}  # product and variant ids repeat: one object each instead of one per line
        self._prices: dict[str, float] = {}

    def take(self, node: Mapping[str, Any]) -> None:
        """One line of the result. Raises ValueError."""
        parent = node.get("__parentId")
        if parent is None:
            record = _order(node)
            self.orders[record.order_id] = record
            self.promised[record.order_id] = node.get("currentSubtotalLineItemsQuantity", -1)
        else:
            self.lines.setdefault(number(parent), []).append(_line(node, self._numbers, self._prices))

    def is_whole(self, order: OrderRecord) -> bool:
        """Whether the lines that came are all there are."""
        return sum(line.units for line in order.lines) == self.promised[order.order_id]

    def by_time(self) -> Iterator[OrderRecord]:
        """The orders with their lines, oldest first; each is let go as it is given."""
        for order_id in sorted(self.orders, key=lambda order_id: (self.orders[order_id].created_at, order_id)):
            record = self.orders.pop(order_id)
            yield _with_lines(record, self.lines.pop(order_id, []))


def products(lines: Iterable[bytes]) -> Iterator[ProductRecord]:
    """Every product of a result, with its variants and collections. Raises ValueError for an unreadable line."""
    memberships = _Memberships()
    found, variants = _families(memberships.without(_nodes(lines)))
    _no_orphans(memberships.of, found)
    for product_id, node in found.items():
        yield product(node, variants.get(product_id, []), memberships.of.get(product_id, []))


class _Memberships:
    """Which collections each product of a result is in: the same pair for all of a collection, as there are many."""

    def __init__(self) -> None:
        self.of: dict[int, list[tuple[int, str]]] = {}
        self._pairs: dict[tuple[int, str], tuple[int, str]] = {}

    def without(self, nodes: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """The nodes that are no collections; those are remembered."""
        for node in nodes:
            if str(node.get("id")).startswith(COLLECTION):
                pair = number(node["id"]), payloads.text(node, "title", 255)
                self.of.setdefault(number(node.get("__parentId")), []).append(self._pairs.setdefault(pair, pair))
            else:
                yield node


def stock_levels(lines: Iterable[bytes]) -> Iterator[StockRecord]:
    """What each place has of each item that is counted. Raises ValueError for a line that cannot be read."""
    items, levels = _families(_nodes(lines))
    for item_id, node in items.items():
        for level in levels.get(item_id, []) if node.get("tracked") is True else ():
            record = stock_level(item_id, level)
            if record is not None:
                yield record


def stock_level(item_id: int, node: Mapping[str, Any]) -> StockRecord | None:
    """An inventory level node; None when it does not say what is available."""
    place = payloads.mapping(node.get("location"), "location")
    for quantity in payloads.entries(node, "quantities"):
        if quantity.get("name") == "available":
            available = payloads.units(quantity.get("quantity"), "available")
            return StockRecord(item_id, number(place.get("id")), available, payloads.moment(node, "updatedAt"))
    return None


def _families(
    nodes: Iterable[Mapping[str, Any]],
) -> tuple[dict[int, Mapping[str, Any]], dict[int, list[Mapping[str, Any]]]]:
    """Parents by number, and the children of each."""
    found: dict[int, Mapping[str, Any]] = {}
    children: dict[int, list[Mapping[str, Any]]] = {}
    for node in nodes:
        parent = node.get("__parentId")
        if parent is None:
            found[number(node.get("id"))] = node
        else:
            children.setdefault(number(parent), []).append(node)
    _no_orphans(children, found)
    return found, children


def order(node: Mapping[str, Any]) -> OrderRecord:
    """One order of `order.graphql`, with its lines under `lineItems.nodes`."""
    lines = [_line(child, {}, {}) for child in payloads.entries(node.get("lineItems") or {}, "nodes")]
    return _with_lines(_order(node), lines)


def product(
    node: Mapping[str, Any], variants: Iterable[Mapping[str, Any]], collections: Iterable[tuple[int, str]] = ()
) -> ProductRecord:
    """A product node with its variant nodes, and numbers and titles of its collections."""
    variants = list(variants)
    prices = [payloads.amount(variant["price"], "price") for variant in variants if variant.get("price") is not None]
    return ProductRecord(
        product_id=number(node.get("id")),
        title=payloads.text(node, "title", 500),
        handle=payloads.text(node, "handle", 255),
        product_type=payloads.text(node, "productType", 255),
        vendor=payloads.text(node, "vendor", 255),
        tags=payloads.tags(node.get("tags")),
        price_amount=min(prices) if prices else None,
        is_published=node.get("status") == "ACTIVE" and node.get("publishedAt") is not None,
        units_in_stock=payloads.stock(variant.get("inventoryQuantity") for variant in variants),
        created_at=payloads.optional_moment(node, "createdAt"),
        updated_at=payloads.moment(node, "updatedAt"),
        items=tuple(
            ItemRecord(
                number(variant["inventoryItem"].get("id")),
                number(variant.get("id")),
                payloads.text(variant, "title", 255),
                payloads.text(variant, "sku", 255),
                payloads.sells_on(variant.get("inventoryPolicy")),
            )
            for variant in variants
            if isinstance(variant.get("inventoryItem"), Mapping)
        ),
        is_gift_card=payloads.truth(node.get("isGiftCard")),
        collections=collections_of(collections),
    )


def number(gid: Any) -> int:
    """The number inside a global id (`gid://shopify/Order/1`). Raises ValueError."""
    try:
        found = int(gid.rpartition("/")[2].partition("?")[0])
        if gid.startswith("gid://shopify/") and 0 < found <= LARGEST_ID:
            return found
    except (AttributeError, ValueError):
        pass
    raise ValueError(f"not a global id: {str(gid)[:60]!r}")


def _nodes(lines: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    for position, line in enumerate(lines, 1):
        try:
            node = orjson.loads(line)
        except ValueError:
            raise ValueError(f"line {position} of the bulk result is no JSON") from None
        yield payloads.mapping(node, f"line {position} of the bulk result")


def _order(node: Mapping[str, Any]) -> OrderRecord:
    customer = node.get("customer")
    return OrderRecord(
        order_id=number(node.get("id")),
        customer_id=number(customer.get("id")) if isinstance(customer, Mapping) else None,
        created_at=payloads.moment(node, "createdAt"),
        updated_at=payloads.moment(node, "updatedAt"),
        cancelled_at=payloads.optional_moment(node, "cancelledAt"),
        is_test=node.get("test") is True,
        total_amount=0.0,
        lines=(),
    )


def _line(node: Mapping[str, Any], numbers: dict[str, int], prices: dict[str, float]) -> LineRecord:
    try:
        price = node.get("originalUnitPriceSet")
        return LineRecord(
            number(node.get("id")),
            _reference(node.get("product"), numbers),
            _reference(node.get("variant"), numbers),
            max(payloads.units(node.get("currentQuantity"), "currentQuantity"), 0),
            _price("0" if price is None else price["shopMoney"]["amount"], prices),
        )
    except (KeyError, TypeError, AttributeError):
        raise ValueError(f"this is no order line: {str(node.get('id'))[:60]!r}") from None


def _reference(node: Any, numbers: dict[str, int]) -> int | None:
    if node is None:
        return None
    gid = node["id"]
    found = numbers.get(gid)
    if found is None:
        found = numbers[gid] = number(gid)
    return found


def _price(written: Any, prices: dict[str, float]) -> float:
    found = prices.get(written)
    if found is None:
        found = prices[written] = payloads.amount(written, "originalUnitPriceSet")
    return found


def _with_lines(record: OrderRecord, lines: list[LineRecord]) -> OrderRecord:
    """The order with its lines. Bulk results carry no total: it is that of the lines."""
    return OrderRecord(
        record.order_id,
        record.customer_id,
        record.created_at,
        record.updated_at,
        record.cancelled_at,
        record.is_test,
        round(sum(line.units * line.price_amount for line in lines), 4),
        tuple({line.line_id: line for line in lines}.values()),
    )


def _no_orphans(children: Mapping[int, Any], parents: Mapping[int, Any]) -> None:
    orphans = len(children.keys() - parents.keys())
    if orphans:
        raise ValueError(f"{orphans} parents are missing from the bulk result")
