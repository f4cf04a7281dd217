"""Bulk orders: days far above a product's own custom, which teach a model nothing about the next week."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from ml.sales import DailySales, Floats, in_chunks

MIN_SELLING_DAYS = 10
"""With fewer days with a sale there is no custom to be above of."""
BULK = 0.98
"""A day above this quantile of a product's own selling days was a bulk order, counted apart in the shop's total."""


@dataclass(frozen=True)
class ShopTotal:
    """Units of a whole shop per known day, all of them and without the bulk orders; float64 [days] each.

    promo: the share of its sales that is in products on offer that day, or None when nothing is known of offers.
    """

    units: Floats
    usual: Floats
    first_on: date
    country: str | None = None
    promo: Floats | None = None

    def until(self, days: int) -> ShopTotal:
        """The same after its first `days` days."""
        promo = None if self.promo is None else self.promo[:days]
        return replace(self, units=self.units[:days], usual=self.usual[:days], promo=promo)


def shop_total(sales: DailySales, known: int | None = None) -> ShopTotal:
    """The total of these series; what is bulk is judged by the first `known` days (all of them by default)."""
    usual = np.zeros(sales.days)
    for rows in in_chunks(np.arange(len(sales.series))):
        units = sales.units[rows[0] : rows[-1] + 1]
        usual += np.minimum(units, day_limits(units[:, :known], BULK)[:, None]).sum(axis=0, dtype=np.float64)
    return ShopTotal(sales.total, usual, sales.first_on, sales.country, _offers(sales, known))


def _offers(sales: DailySales, known: int | None) -> Floats | None:
    """Per day, the share of all units sold in the first `known` days that is in products on offer."""
    if sales.is_promo is None or not sales.is_promo.any():
        return None
    units = sales.units[:, :known].sum(axis=1, dtype=np.float64)
    promo = np.zeros(sales.days)
    for rows in in_chunks(np.arange(len(units))):
        promo += units[rows] @ sales.is_promo[rows[0] : rows[-1] + 1]
    return np.asarray(promo / max(units.sum(), 1.0))


def capped(sales: DailySales, quantile: float) -> DailySales:
    """The same sales with each day cut to this quantile of the series' own selling days.

    On a wholesaler's orders (Online Retail II, origins before July 2011) learning from days capped at .95 instead of
    raw days took product-week WAPE from .753 to .739 at the same total. The shop's total is never capped.
    """
    limit = day_limits(sales.units, quantile).astype(np.float32)
    units = np.minimum(sales.units, limit[:, None])
    if sales.revenue is None:
        return replace(sales, units=units)
    # A day keeps its price: its revenue shrinks with its units.
    revenue = np.divide(units, sales.units, out=np.ones_like(units), where=sales.units > 0)
    revenue *= sales.revenue
    return replace(sales, units=units, revenue=revenue)


def day_limits(units: Floats, quantile: float) -> Floats:
    """This quantile of each row's positive values, interpolated; infinite for rows with too few of them."""
    ordered = np.sort(units, axis=1)
    n = (ordered > 0).sum(axis=1)
    position = units.shape[1] - n + quantile * np.maximum(n - 1, 0)
    below = np.minimum(np.floor(position).astype(np.int64), units.shape[1] - 1)
    above = np.minimum(below + 1, units.shape[1] - 1)
    row = np.arange(len(units))
    low, high = ordered[row, below].astype(np.float64), ordered[row, above].astype(np.float64)
    return np.where(n >= MIN_SELLING_DAYS, low + (high - low) * (position - below), np.inf)
