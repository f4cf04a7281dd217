"""The promotions that a shop told of, as its page lists them: one line for all products of the same days and code."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app.lifecycle.promotions import EVERYTHING, Occasion, Promotion
from shopify_app.tables import Product

NAMED = 3
"""Products that a line names; more are counted."""
DIGITS = 18


@dataclass(frozen=True)
class Line:
    """One of them. state: `planned`, `running` or `over`."""

    first_on: date
    last_on: date
    code: str
    products: str
    state: str


def occasions(table: Iterable[Promotion]) -> list[tuple[Occasion, list[str]]]:
    """The series of each, the latest first."""
    series: dict[Occasion, list[str]] = defaultdict(list)
    for one in sorted(table):
        series[one.occasion].append(one.series)
    return sorted(series.items(), reverse=True)


def lines(db: Session, shop_id: int, shown: Sequence[tuple[Occasion, list[str]]], today_on: date) -> list[Line]:
    """These in words."""
    titles = _titles(db, shop_id, {one for _, series in shown for one in series[:NAMED]})
    return [Line(*days, _listed(series, titles), _state(days, today_on)) for days, series in shown]


def _titles(db: Session, shop_id: int, series: Collection[str]) -> dict[str, str]:
    numbers = sorted(int(one) for one in series if one.isascii() and one.isdigit() and len(one) <= DIGITS)
    mine = Product.shop_id == shop_id, Product.product_id.in_(numbers)
    found = {str(number): title for number, title in db.execute(select(Product.product_id, Product.title).where(*mine))}
    return {EVERYTHING: "All products", **found}


def _listed(series: Sequence[str], titles: Mapping[str, str]) -> str:
    named = ", ".join(titles.get(one, f"Product {one}") for one in series[:NAMED])
    more = len(series) - NAMED
    return f"{named} and {more:,} more" if more > 0 else named


def _state(days: Occasion, today_on: date) -> str:
    if days[0] > today_on:
        return "planned"
    return "over" if days[1] < today_on else "running"
