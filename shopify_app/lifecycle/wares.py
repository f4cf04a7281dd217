"""A shop's products as rules see them, in columns: what may be shown beside something is asked of all at once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ml.sales import Bools, Floats, Ints
from shopify_app.lifecycle.rules import ANY, SAME, Rules, Ware

Named = tuple[int, int, int]
"""A product with the numbers of its type and its vendor."""
PIECE = 24
MOST_ALONG = 6
"""All lists of a champion and of a shadow."""


class Beside(NamedTuple):
    """What the rules ask of whatever is shown beside some products: see `Rules.unfit`."""

    vendor_rule: str
    vendors: frozenset[int]
    lowest: float
    highest: float


@dataclass(frozen=True)
class Wares:
    """One row per product. vendors, kinds: a number for each name, 0 for none. prices: NaN when unknown."""

    ids: Ints
    shown: Bools
    """Which may be shown at all."""
    vendors: Ints
    kinds: Ints
    prices: Floats
    _along: dict[int, tuple[Ints, "Wares"]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, told: Iterable[tuple[int, Ware]], sellable: frozenset[int], rules: Rules) -> "Wares":
        """All products of a shop, ascending; those may be shown that are sellable and that no rule leaves out."""
        vendors, kinds = {"": 0}, {"": 0}
        rows = [
            (
                product,
                product in sellable and rules.leaves_out(ware) is None,
                vendors.setdefault(ware.vendor, len(vendors)),
                kinds.setdefault(ware.kind, len(kinds)),
                np.nan if ware.price is None else ware.price,
            )
            for product, ware in sorted(told, key=lambda one: one[0])
        ]
        ids, shown, vendor, kind, price = zip(*rows, strict=True) if rows else ((),) * 5
        return cls(
            np.array(ids, np.int64),
            np.array(shown, bool),
            np.array(vendor, np.int32),
            np.array(kind, np.int32),
            np.array(price, np.float64),
        )

    def of_these(self, products: Ints) -> "Wares":
        """The same for these products, one row for each; those it does not know are not shown."""
        at, known = self._rows(products)
        row = np.where(known, at, len(self.ids))
        return Wares(
            products,
            np.append(self.shown, False)[row],
            np.append(self.vendors, np.int32(0))[row],
            np.append(self.kinds, np.int32(0))[row],
            np.append(self.prices, np.nan)[row],
        )

    def along(self, products: Ints) -> "Wares":
        """`of_these`, kept for the next answer: to look a list's products up takes longer than all that rules ask.

        The same list is known by being the same array, which must not change.
        """
        held = self._along.get(id(products))
        if held is not None and held[0] is products:
            return held[1]
        made = self.of_these(products)
        if len(self._along) >= MOST_ALONG:
            self._along.clear()
        self._along[id(products)] = (products, made)
        return made

    def beside(self, asked: Sequence[int], rules: Rules) -> Beside | None:
        """What goes beside these products, of which at least one must be known; None when anything does."""
        if rules.vendor == ANY and not rules.cheapest_percent and not rules.dearest_percent:
            return None
        at, known = self._rows(np.array(asked, np.int64))
        at = at[known]
        if len(at) == 0:
            return None
        prices = [price for price in self.prices[at].tolist() if price > 0]
        return Beside(
            rules.vendor,
            frozenset(self.vendors[at].tolist()),
            min(prices) * rules.cheapest_percent / 100 if prices and rules.cheapest_percent else -np.inf,
            max(prices) * rules.dearest_percent / 100 if prices and rules.dearest_percent else np.inf,
        )

    def fitting(self, places: Ints | slice, beside: Beside | None) -> Ints:
        """Those of these rows, in their order, that may be shown, and beside those."""
        rows = np.arange(len(self.ids))[places] if isinstance(places, slice) else places
        fits = self.shown[rows]
        if beside is None:
            return rows[fits]
        if beside.vendor_rule != ANY:
            vendors = self.vendors[rows]
            from_them = np.zeros(len(rows), bool)
            for vendor in beside.vendors:
                from_them |= vendors == vendor
            fits &= from_them if beside.vendor_rule == SAME else ~from_them
        if beside.lowest > -np.inf or beside.highest < np.inf:
            price = self.prices[rows]
            # A comparison with NaN is false: an unknown price fits.
            fits &= ~((price < beside.lowest) | (price > beside.highest))
        return rows[fits]

    def named(self, rows: Ints) -> Iterator[Named]:
        """The products in these rows, as `varied` wants them; a few at a time: the last are seldom asked for."""
        for first in range(0, len(rows), PIECE):
            some = rows[first : first + PIECE]
            yield from zip(self.ids[some].tolist(), self.kinds[some].tolist(), self.vendors[some].tolist(), strict=True)

    def _rows(self, products: Ints) -> tuple[Ints, Bools]:
        """The row of each product, and whether there is one. Only where the rows ascend."""
        if len(self.ids) == 0:
            return np.zeros(len(products), np.int64), np.zeros(len(products), bool)
        at = self.ids.searchsorted(products)
        at[at == len(self.ids)] = 0
        return at, self.ids[at] == products


def varied(products: Iterable[Named], rules: Rules, limit: int) -> list[int]:
    """The first `limit` with no more of a type or vendor than wanted; others only where nothing else is left."""
    most_of_a_type, most_of_a_vendor = rules.most_of_a_type or limit, rules.most_of_a_vendor or limit
    kept: list[int] = []
    spare: list[int] = []
    types: dict[int, int] = {}
    vendors: dict[int, int] = {}
    for product, kind, vendor in products:
        if types.get(kind, 0) >= most_of_a_type or vendors.get(vendor, 0) >= most_of_a_vendor:
            spare.append(product)
            continue
        if kind:  # of no type, or from no vendor, there may be any number
            types[kind] = types.get(kind, 0) + 1
        if vendor:
            vendors[vendor] = vendors.get(vendor, 0) + 1
        kept.append(product)
        if len(kept) == limit:
            break
    return (kept + spare)[:limit]
