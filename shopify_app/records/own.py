"""What the app read from Shopify by itself, kept among the shop's events: a replay needs all that rows are made of."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.records import customers, facts, inbox, keys
from shopify_app.records.goods import ProductRecord
from shopify_app.records.payloads import OrderRecord, StockRecord
from shopify_app.tables import EventState, Shop


def keep_orders(db: Session, shop: Shop, records: Sequence[OrderRecord], *, is_history: bool) -> None:
    """Keep orders that are rows by now, their customers by pseudonym."""
    buyers = {record.customer_id for record in records if record.customer_id is not None}
    names = customers.known(db, keys.of(db, shop.id), buyers) if buyers else {}
    told = [facts.order(record, names.get(record.customer_id or 0)) for record in records]
    _keep(db, shop, facts.OWN_ORDERS, told and {"is_history": is_history, "orders": told})


def keep_products(db: Session, shop: Shop, records: Sequence[ProductRecord]) -> None:
    """Keep products of the catalogue."""
    _keep(db, shop, facts.OWN_PRODUCTS, {"products": [facts.product(record) for record in records]} if records else {})


def keep_stock(db: Session, shop: Shop, records: Sequence[StockRecord]) -> None:
    """Keep stock levels."""
    _keep(db, shop, facts.OWN_STOCK, {"levels": facts.stock(records)} if records else {})


def keep_gone(db: Session, shop: Shop, topic: str, numbers: Sequence[int]) -> datetime:
    """Keep that Shopify no longer has these; when that was noticed."""
    at = clock.now()
    _keep(db, shop, topic, facts.gone(numbers, at) if numbers else {})
    return at


def _keep(db: Session, shop: Shop, topic: str, told: Any) -> None:
    if told:
        inbox.keep(db, shop.domain, topic, orjson.dumps(told), keys.seal_of(db), state=EventState.APPLIED)
