"""Advice on what to order: of each product and of each of its variants, with every number behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml.reorder import Terms
from shopify_app.lifecycle.variants import Variant

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


@dataclass(frozen=True)
class VariantLine:
    """What to do about one variant, reckoned from its share of its product's forecast."""

    variant: Variant
    need: Need
    on_the_way: int
    per_day: float
    lead_time_units: float
    safety_units: float
    reorder_point: float
    cover_units: float
    runs_out_on: date | None
    order_by_on: date | None
    order_units: int
    """When it is due itself; 0 when that is not within the forecast, or its stock is not known."""
    with_product: int
    """Of them, or beyond, what to order with those of its product that are due first."""

    def is_late(self, today_on: date, lead_days: int) -> bool:
        """It is expected to run out before an order of today could be there."""
        arrives_on = today_on + timedelta(days=lead_days)
        return self.need == Need.NOW and self.runs_out_on is not None and self.runs_out_on < arrives_on


class Shelf(NamedTuple):
    """A product that can be ordered. `in_stock` is None while not all of its places were counted.

    sells_on: it can be bought when none is left.
    """

    product_id: int
    vendor: str
    in_stock: int | None
    sells_on: bool = False


@dataclass(frozen=True)
class Line:
    """What to do about one product, with every number behind it. Days beyond the forecast are None."""

    product_id: int
    vendor: str
    terms: Terms
    need: Need
    in_stock: int | None
    """Less than nothing is owed to customers."""
    sells_on: bool
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
    variants: tuple[VariantLine, ...] = ()
    """None of a product that has but one. `order_units` is what those together need that are due first."""

    @property
    def sold_out(self) -> tuple[VariantLine, ...]:
        """Variants that nobody can buy now while others are there."""
        out = tuple(one for one in self.variants if one.variant.is_sold_out)
        return out if len(out) < len(self.variants) else ()


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
    parts: "Advice | None" = None
    """The same for the variants of products that have several, an entry each."""
    variants: Sequence[Variant] = ()
    """Which they are."""
    rows: Mapping[int, range] = field(default_factory=dict)
    """By the product's place here, the places of its variants there."""

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
            sells_on=shelf.sells_on,
            on_the_way=int(self.on_the_way[place]),
            per_day=number["per_day"],
            lead_time_units=number["lead_time_units"],
            safety_units=number["safety_units"],
            reorder_point=number["reorder_point"],
            cover_units=number["cover_units"],
            runs_out_on=self._on(float(self.days_of_cover[place])) if known else None,
            order_by_on=self._on(float(self.order_in[place])) if need in (Need.NOW, Need.LATER) else None,
            order_units=int(number["order_units"]) if need in (Need.NOW, Need.LATER) else 0,
            variants=tuple(self._variant(row) for row in self.rows.get(place, ())),
        )

    def _variant(self, row: int) -> VariantLine:
        assert self.parts is not None
        line = self.parts.line(row)
        return VariantLine(
            variant=self.variants[row],
            need=line.need,
            on_the_way=line.on_the_way,
            per_day=line.per_day,
            lead_time_units=line.lead_time_units,
            safety_units=line.safety_units,
            reorder_point=line.reorder_point,
            cover_units=line.cover_units,
            runs_out_on=line.runs_out_on,
            order_by_on=line.order_by_on,
            order_units=line.order_units,
            with_product=int(self.parts.numbers["with_product"][row]),
        )

    def sold_out(self, place: int) -> int:
        """How many of its variants nobody can buy now while others are there."""
        mine = [self.variants[row] for row in self.rows.get(place, ())]
        out = sum(variant.is_sold_out for variant in mine)
        return out if out < len(mine) else 0

    def units(self, place: int) -> int:
        """What to order of a product."""
        return int(self.numbers["order_units"][place])

    def _on(self, days: float) -> date | None:
        return self.today_on + timedelta(days=int(days)) if days < self.horizon else None
