"""Advice on a product with several variants: each has its own shelf and its share of the forecast."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from ml.reorder import Band, Terms
from ml.variants import spread_of_part, topped_up
from shopify_app.lifecycle.advice import Advice, Floats, Ints, Need, Shelf
from shopify_app.lifecycle.forecast_arrays import ForecastArrays
from shopify_app.lifecycle.planning import on_the_way, planned
from shopify_app.lifecycle.variants import Variant
from shopify_app.tables import Purchase


def by_variant(
    found: Advice,
    said: ForecastArrays,
    daily: Floats,
    several: Mapping[int, Sequence[Variant]],
    purchases: Sequence[Purchase],
    tails: Mapping[int, float],
) -> Advice:
    """The advice with variants: each has its own shelf and its share of the forecast, and is due when it runs short.

    A product is due when the first of its variants is, and then those are ordered that are due with it. What a vendor
    delivers at least counts for the product: an order of less is topped up by the variants that are shortest.
    """
    rows: dict[int, range] = {}
    of: list[int] = []
    mine: list[Variant] = []
    for place, product_id in enumerate(said.product_ids.tolist()):
        variants_here = several.get(product_id, ())
        if variants_here:
            rows[place] = range(len(of), len(of) + len(variants_here))
            of += [place] * len(variants_here)
            mine += variants_here
    if not mine:
        return found
    at = np.array(of, dtype=np.int64)
    share = np.array([variant.share for variant in mine])
    shelves = [
        Shelf(variant.variant_id, found.shelves[place].vendor, variant.in_stock, variant.sells_on)
        for place, variant in zip(of, mine, strict=True)
    ]
    terms = {vendor: replace(told, least_units=1) for vendor, told in found.terms.items()}
    coming = _coming(mine, said.product_ids[at], purchases)
    arriving = on_the_way(len(mine), coming, found.today_on, daily.shape[1])
    parts = planned(
        _part(said.of(at), share), daily[at] * share[:, None], shelves, terms, arriving, tails, found.today_on
    )
    return _together(found, parts, mine, rows)


def _part(said: ForecastArrays, share: Floats) -> ForecastArrays:
    bands = []
    for band in said.bands:
        mean = band.mean * share
        factor = spread_of_part(band.p90 / np.maximum(band.mean, 1e-9), share)
        bands.append(Band(band.days, mean, mean * factor))
    return replace(said, bands=tuple(bands))


def _together(found: Advice, parts: Advice, mine: Sequence[Variant], rows: Mapping[int, range]) -> Advice:
    """Products with several variants as their variants add up."""
    needs, order_in = found.needs.copy(), found.order_in.copy()
    numbers = {name: values.copy() for name, values in found.numbers.items()}
    with_product = np.zeros(len(mine))
    wanted = np.isin(parts.needs, (Need.NOW, Need.LATER))
    for place, few in rows.items():
        at = np.arange(few.start, few.stop)
        for name in ("safety_units", "reorder_point"):
            numbers[name][place] = parts.numbers[name][at].sum()
        due = at[wanted[at]]
        if len(due):
            first = parts.order_in[due].min()
            due = due[parts.order_in[due] == first]
            with_product[due] = parts.numbers["order_units"][due]
            with_product[at] = _topped_up(found.terms[found.shelves[place].vendor], parts, with_product[at], mine, at)
            needs[place], order_in[place] = Need.NOW if first == 0 else Need.LATER, first
        else:
            needs[place] = Need.UNKNOWN if (parts.needs[at] == Need.UNKNOWN).all() else Need.NONE
            order_in[place] = np.inf
        numbers["order_units"][place] = with_product[at].sum()
    parts = replace(parts, numbers={**parts.numbers, "with_product": with_product})
    return replace(found, needs=needs, order_in=order_in, numbers=numbers, parts=parts, variants=mine, rows=rows)


def _topped_up(terms: Terms, parts: Advice, planned: Floats, mine: Sequence[Variant], at: Ints) -> Floats:
    """What is ordered of these variants, at least as much as the vendor delivers; none of those nobody counted."""
    if planned.sum() >= terms.least_units:
        return planned
    known = np.array([mine[row].in_stock is not None for row in at])
    held = np.array([mine[row].in_stock or 0 for row in at]) + parts.on_the_way[at]
    share = np.array([mine[row].share for row in at])
    more = planned.copy()
    more[known] = topped_up(terms.least_units, planned[known], held[known], share[known], terms.step_units)
    return more


def _coming(
    mine: Sequence[Variant], product_ids: Ints, purchases: Sequence[Purchase]
) -> Iterator[tuple[int, date, float]]:
    """Place, day and units of what is on its way: what was ordered of a product as a whole comes in its shares."""
    at: dict[int, list[int]] = defaultdict(list)
    for row, product_id in enumerate(product_ids.tolist()):
        at[product_id].append(row)
    for purchase in purchases:
        told = purchase.of_variants
        for row in at.get(purchase.product_id, ()):
            one = mine[row]
            units = one.share * purchase.units if told is None else told.get(str(one.variant_id), 0)
            yield row, purchase.due_on, units
