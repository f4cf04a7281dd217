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


class Shelf(NamedTuple):
    """A product that can be ordered, or a variant. `in_stock` is None while not all of its places were counted.

    sells_on: it can be bought when none is left.
    """

    product_id: int
    vendor: str
    in_stock: int | None
    sells_on: bool = False

    @property
    def is_sold_out(self) -> bool:
        """Nobody can buy it now."""
        return self.in_stock is not None and self.in_stock <= 0 and not self.sells_on


@dataclass(frozen=True)
class Line:
    """What to do about one product, or variant, with every number behind it. Days beyond the forecast are None."""

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
    is_late: bool
    """It is expected to run out before an order of today could be there."""
    sold_out: int
    """How many of its variants nobody can buy now while others are there."""
    variants: "tuple[VariantLine, ...]" = ()
    """None of a product that has but one. `order_units` is what those together need that are due first."""


@dataclass(frozen=True)
class VariantLine:
    """What to do about one variant, calculated from its share of its product's forecast."""

    variant: Variant
    line: Line
    with_product: int
    """Of its `order_units`, or beyond, what to order with those of its product that are due first."""


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
        terms = self.terms[shelf.vendor]
        runs_out_on = self._on(float(self.days_of_cover[place])) if need != Need.UNKNOWN else None
        arrives_on = self.today_on + timedelta(days=terms.lead_days)
        return Line(
            product_id=shelf.product_id,
            vendor=shelf.vendor,
            terms=terms,
            need=need,
            in_stock=shelf.in_stock,
            sells_on=shelf.sells_on,
            on_the_way=int(self.on_the_way[place]),
            per_day=number["per_day"],
            lead_time_units=number["lead_time_units"],
            safety_units=number["safety_units"],
            reorder_point=number["reorder_point"],
            cover_units=number["cover_units"],
            runs_out_on=runs_out_on,
            order_by_on=self._on(float(self.order_in[place])) if need in (Need.NOW, Need.LATER) else None,
            order_units=int(number["order_units"]) if need in (Need.NOW, Need.LATER) else 0,
            is_late=need == Need.NOW and runs_out_on is not None and runs_out_on < arrives_on,
            sold_out=self.sold_out(place),
            variants=tuple(self._variant(row) for row in self.rows.get(place, ())),
        )

    def _variant(self, row: int) -> VariantLine:
        assert self.parts is not None
        return VariantLine(self.variants[row], self.parts.line(row), int(self.parts.numbers["with_product"][row]))

    def sold_out(self, place: int) -> int:
        """How many of its variants nobody can buy now while others are there."""
        rows = self.rows.get(place, ())
        out = sum(self.parts.shelves[row].is_sold_out for row in rows) if self.parts else 0
        return out if out < len(rows) else 0

    def units(self, place: int) -> int:
        """What to order of a product."""
        return int(self.numbers["order_units"][place])

    def _on(self, days: float) -> date | None:
        return self.today_on + timedelta(days=int(days)) if days < self.horizon else None
