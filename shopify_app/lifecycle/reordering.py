"""What a shop must order: the forecast in charge, what is in stock and on its way, and how each vendor delivers."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import and_, exists, select
from sqlalchemy.orm import Session

from ml.reorder import Terms as Terms
from shopify_app.lifecycle import forecast_arrays, replenishing, variants
from shopify_app.lifecycle.advice import Advice as Advice
from shopify_app.lifecycle.advice import Floats, Shelf
from shopify_app.lifecycle.by_variant import by_variant
from shopify_app.lifecycle.forecast_arrays import ForecastArrays
from shopify_app.lifecycle.planning import on_the_way, planned
from shopify_app.policy import Policy
from shopify_app.records import vendors
from shopify_app.records.objects import Objects
from shopify_app.records.variants import IS_THERE
from shopify_app.tables import ForecastRun, InventoryItem, Product, StockDay


def advice(
    db: Session,
    objects: Objects,
    shop_id: int,
    policy: Policy,
    run: ForecastRun,
    today_on: date,
    only: int | None = None,
) -> Advice:
    """What to do today about every product that this run forecasts and that is still sold; `only` asks about one."""
    said = forecast_arrays.read(objects, run)
    shelves = stock(db, shop_id, None if only is None else [only])
    places = np.array([n for n, one in enumerate(said.product_ids.tolist()) if one in shelves], dtype=np.int64)
    said = said.of(places)
    mine = [shelves[product_id] for product_id in said.product_ids.tolist()]
    terms = terms_of(policy, vendors.said(db, shop_id), {shelf.vendor for shelf in mine})
    purchases = vendors.on_the_way(db, shop_id, today_on)
    tallied = replenishing.newest(db, shop_id)
    tails = tallied.tails if tallied else {}
    daily = _from_today(said, today_on)
    place = {product_id: n for n, product_id in enumerate(said.product_ids.tolist())}
    coming = [(place[one.product_id], one.due_on, one.units) for one in purchases if one.product_id in place]
    arriving = on_the_way(len(mine), coming, today_on, daily.shape[1])
    found = planned(said, daily, mine, terms, arriving, tails, today_on)
    several = {number: few for number, few in variants.of_products(db, shop_id, only).items() if len(few) > 1}
    return by_variant(found, said, daily, several, purchases, tails) if several else found


def terms_of(policy: Policy, said: Mapping[str, vendors.Said], names: set[str]) -> dict[str, Terms]:
    """Each vendor's terms: its own where it has some, else the shop's."""
    found = {}
    for name in names:
        own = said.get(name, {})
        chosen: dict[str, Any] = {
            field: getattr(policy, field) if own.get(field) is None else own[field] for field in vendors.FIELDS
        }
        chosen["step_units"] = chosen.pop("pack_units")
        found[name] = Terms(**chosen)
    return found


def stock(db: Session, shop_id: int, only: Collection[int] | None = None) -> dict[int, Shelf]:
    """Vendor and stock of every product that is still there; `only` asks about some.

    A product's stock is the sum of its newest counts at all places, and not known before each of its items was counted:
    what a product's own payload says of an item that nobody tracks means nothing.
    """
    mine = [Product.shop_id == shop_id, Product.deleted_at.is_(None)]
    if only is not None:
        mine.append(Product.product_id.in_(only))
    items = and_(InventoryItem.shop_id == shop_id, InventoryItem.product_id == Product.product_id, IS_THERE)
    counts = and_(StockDay.shop_id == shop_id, StockDay.inventory_item_id == InventoryItem.inventory_item_id)
    is_counted = exists().where(counts)
    is_known = exists().where(items) & ~exists().where(items, ~is_counted)
    columns = Product.product_id, Product.vendor, Product.units_in_stock, is_known, Product.sells_on
    rows = db.execute(select(*columns).where(*mine))
    return {
        number: Shelf(number, vendor, units if known else None, sells_on is True)
        for number, vendor, units, known, sells_on in rows
    }


def _from_today(said: ForecastArrays, today_on: date) -> Floats:
    """The days from today on. A forecast that is behind loses days at its start; its last day stands for an old one."""
    passed = (today_on - said.origin_on).days - 1
    return said.daily[:, min(max(passed, 0), said.daily.shape[1] - 1) :]
