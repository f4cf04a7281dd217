"""What a shop must order: the forecast in charge, what is in stock and on its way, and how each vendor delivers."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import and_, exists, select
from sqlalchemy.orm import Session

from ml import reorder
from ml.reorder import Terms as Terms
from shopify_app.lifecycle import ahead, replenishing
from shopify_app.lifecycle.ahead import Ahead
from shopify_app.policy import Policy
from shopify_app.records import vendors
from shopify_app.records.objects import Objects
from shopify_app.tables import ForecastRun, InventoryItem, Product, Purchase, StockDay

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
FAR = 10_000
"""Days that stand for never."""


class Need(StrEnum):
    """What is to be done about a product."""

    NOW = "now"
    LATER = "later"
    """Within the days that are forecast."""
    NONE = "none"
    UNKNOWN = "unknown"
    """Its stock is not known."""


class Shelf(NamedTuple):
    """A product that can be ordered. `in_stock` is None while not all of its places were counted."""

    product_id: int
    vendor: str
    in_stock: int | None


@dataclass(frozen=True)
class Line:
    """What to do about one product, with every number behind it. Days beyond the forecast are None."""

    product_id: int
    vendor: str
    terms: Terms
    need: Need
    in_stock: int | None
    on_the_way: int
    per_day: float
    lead_time_units: float
    safety_units: float
    reorder_point: float
    cover_units: float
    runs_out_on: date | None
    order_by_on: date | None
    order_units: int
    """0 when nothing has to be ordered within the forecast, or the stock is not known."""


@dataclass(frozen=True)
class Advice:
    """What to do about all forecast products of a shop. Arrays and lists have an entry per product, in one order."""

    today_on: date
    origin_on: date
    """The last day that the forecast knew."""
    shelves: Sequence[Shelf]
    terms: Mapping[str, Terms]
    """Per vendor."""
    on_the_way: Ints
    needs: NDArray[np.str_]
    days_of_cover: Floats
    order_in: Floats
    numbers: Mapping[str, Floats]
    horizon: int

    @property
    def behind_days(self) -> int:
        """How many complete days the forecast does not know."""
        return (self.today_on - timedelta(days=1) - self.origin_on).days

    @cached_property
    def ranked(self) -> Ints:
        """All products by vendor and urgency: first the vendor with the most urgent one, its products by urgency."""
        cover, wait = (np.minimum(np.floor(days), FAR) for days in (self.days_of_cover, self.order_in))
        ids = np.array([shelf.product_id for shelf in self.shelves], dtype=np.int64)
        urgent = np.lexsort((ids, -self.numbers["lead_time_units"], cover, wait))
        _, first, vendor = np.unique(self._vendors[urgent], return_index=True, return_inverse=True)
        return np.asarray(urgent[np.argsort(first[vendor], kind="stable")])

    def places(self, need: Need | None = None, vendor: str | None = None) -> list[int]:
        """Products that need this, of this vendor, in the order of `ranked`."""
        wanted = np.ones(len(self.shelves), dtype=bool)
        if need is not None:
            wanted &= self.needs == need
        if vendor is not None:
            wanted &= self._vendors == vendor
        found: list[int] = self.ranked[wanted[self.ranked]].tolist()
        return found

    @cached_property
    def _vendors(self) -> NDArray[np.object_]:
        return np.array([shelf.vendor for shelf in self.shelves], dtype=object)

    def line(self, place: int) -> Line:
        """One product."""
        shelf, need = self.shelves[place], Need(self.needs[place])
        number = {name: float(values[place]) for name, values in self.numbers.items()}
        known = need != Need.UNKNOWN
        return Line(
            product_id=shelf.product_id,
            vendor=shelf.vendor,
            terms=self.terms[shelf.vendor],
            need=need,
            in_stock=shelf.in_stock,
            on_the_way=int(self.on_the_way[place]),
            per_day=number["per_day"],
            lead_time_units=number["lead_time_units"],
            safety_units=number["safety_units"],
            reorder_point=number["reorder_point"],
            cover_units=number["cover_units"],
            runs_out_on=self._on(float(self.days_of_cover[place])) if known else None,
            order_by_on=self._on(float(self.order_in[place])) if need in (Need.NOW, Need.LATER) else None,
            order_units=int(number["order_units"]) if need in (Need.NOW, Need.LATER) else 0,
        )

    def units(self, place: int) -> int:
        """What to order of a product."""
        return int(self.numbers["order_units"][place])

    def _on(self, days: float) -> date | None:
        return self.today_on + timedelta(days=int(days)) if days < self.horizon else None


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
    said = ahead.read(objects, run)
    shelves = stock(db, shop_id, only)
    places = np.array([n for n, one in enumerate(said.product_ids.tolist()) if one in shelves], dtype=np.int64)
    said = said.of(places)
    mine = [shelves[product_id] for product_id in said.product_ids.tolist()]
    terms = terms_of(policy, vendors.said(db, shop_id), {shelf.vendor for shelf in mine})
    daily = _from_today(said, today_on)
    arriving = _arriving(said.product_ids, vendors.on_the_way(db, shop_id, today_on), today_on, daily.shape[1])
    tallied = replenishing.newest(db, shop_id)
    numbers = _plan(said, daily, mine, terms, arriving, tallied.tail if tallied else reorder.TAIL)
    known = np.array([shelf.in_stock is not None for shelf in mine], dtype=bool)
    cover, wait = numbers.pop("days_of_cover"), numbers.pop("order_in")
    return Advice(
        today_on=today_on,
        origin_on=run.origin_on,
        shelves=mine,
        terms=terms,
        on_the_way=arriving.sum(axis=1).astype(np.int64),
        needs=_needs(known, wait, numbers["order_units"], daily.shape[1]),
        days_of_cover=np.where(known, cover, np.inf),
        order_in=np.where(known, wait, np.inf),
        numbers=numbers,
        horizon=daily.shape[1],
    )


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


def stock(db: Session, shop_id: int, only: int | None = None) -> dict[int, Shelf]:
    """Vendor and stock of every product that is still there.

    A product's stock is the sum of its newest counts at all places, and not known before each of its items was counted:
    what a product's own payload says of an item that nobody tracks means nothing.
    """
    mine = [Product.shop_id == shop_id, Product.deleted_at.is_(None)]
    if only is not None:
        mine.append(Product.product_id == only)
    items = and_(InventoryItem.shop_id == shop_id, InventoryItem.product_id == Product.product_id)
    counts = and_(StockDay.shop_id == shop_id, StockDay.inventory_item_id == InventoryItem.inventory_item_id)
    is_counted = exists().where(counts)
    is_known = exists().where(items) & ~exists().where(items, ~is_counted)
    rows = db.execute(select(Product.product_id, Product.vendor, Product.units_in_stock, is_known).where(*mine))
    return {number: Shelf(number, vendor, units if known else None) for number, vendor, units, known in rows}


def _plan(
    said: Ahead,
    daily: Floats,
    shelves: Sequence[Shelf],
    terms: Mapping[str, Terms],
    arriving: Floats,
    tail: float,
) -> dict[str, Floats]:
    """The numbers of `ml.reorder.Plan` for all products, reckoned together for those under the same terms."""
    held = np.array([shelf.in_stock or 0 for shelf in shelves], dtype=np.float64)
    under: dict[Terms, list[int]] = defaultdict(list)
    for place, shelf in enumerate(shelves):
        under[terms[shelf.vendor]].append(place)
    fields = (
        "lead_time_units",
        "cover_units",
        "safety_units",
        "reorder_point",
        "days_of_cover",
        "order_in",
        "order_units",
    )
    numbers = {name: np.zeros(len(shelves)) for name in fields}
    for shared, places in under.items():
        rows = np.array(places, dtype=np.int64)
        planned = reorder.plan(daily[rows], said.of(rows).bands, held[rows], shared, arriving[rows], tail)
        for name, values in numbers.items():
            values[rows] = getattr(planned, name)
    return {**numbers, "per_day": daily.mean(axis=1)}


def _from_today(said: Ahead, today_on: date) -> Floats:
    """The days from today on. A forecast that is behind loses days at its start; its last day stands for an old one."""
    passed = (today_on - said.origin_on).days - 1
    return said.daily[:, min(max(passed, 0), said.daily.shape[1] - 1) :]


def _arriving(product_ids: Ints, purchases: Sequence[Purchase], today_on: date, horizon: int) -> Floats:
    """Units on their way by product and day from today on; what comes after the forecast comes on its last day."""
    place = {product_id: n for n, product_id in enumerate(product_ids.tolist())}
    arriving = np.zeros((len(product_ids), horizon))
    for purchase in purchases:
        if purchase.product_id in place:
            day = min((purchase.due_on - today_on).days, horizon - 1)
            arriving[place[purchase.product_id], day] += purchase.units
    return arriving


def _needs(known: NDArray[np.bool_], order_in: Floats, units: Floats, horizon: int) -> NDArray[np.str_]:
    wanted = known & (units > 0) & (order_in < horizon)
    return np.select([~known, wanted & (order_in == 0), wanted], [Need.UNKNOWN, Need.NOW, Need.LATER], Need.NONE)
