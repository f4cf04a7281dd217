"""The promotions that a shop told of, as its page lists them: one line for all products of the same days and code."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app.lifecycle.promotions import EVERYTHING, Promotion
from shopify_app.records import catalogue
from shopify_app.tables import Product

NAMED = 3
"""Products that a line names; more are counted."""
DIGITS = 18


@dataclass(frozen=True)
class Occasion:
    """One line. state: `planned`, `running` or `over`."""

    first_on: date
    last_on: date
    code: str
    products: str
    state: str


def occasions(db: Session, shop_id: int, table: Iterable[Promotion], today_on: date) -> list[Occasion]:
    """Every line, the latest first."""
    series: dict[tuple[date, date, str], list[str]] = defaultdict(list)
    for one in table:
        series[one.occasion].append(one.series)
    titles = _titles(db, shop_id, {one for few in series.values() for one in sorted(few)[: NAMED + 1]})
    return [
        Occasion(*key, _listed([titles.get(one, f"Product {one}") for one in sorted(few)]), _state(key, today_on))
        for key, few in sorted(series.items(), reverse=True)
    ]


def collections(db: Session, shop_id: int) -> dict[int, str]:
    """What the shop's collections are called, by number, in order of the name."""
    found = {number: title for _, told in catalogue.in_collections(db, shop_id) for number, title in told}
    return dict(sorted(found.items(), key=lambda pair: (pair[1].casefold(), pair[0])))


def products_of(db: Session, shop_id: int, collection: int) -> list[int]:
    """The products that are in a collection now."""
    told = catalogue.in_collections(db, shop_id)
    return [product_id for product_id, pairs in told if any(number == collection for number, _ in pairs)]


def _titles(db: Session, shop_id: int, series: Collection[str]) -> dict[str, str]:
    numbers = sorted(int(one) for one in series if one.isascii() and one.isdigit() and len(one) <= DIGITS)
    mine = Product.shop_id == shop_id, Product.product_id.in_(numbers)
    found = {str(number): title for number, title in db.execute(select(Product.product_id, Product.title).where(*mine))}
    return {EVERYTHING: "All products", **found}


def _listed(titles: list[str]) -> str:
    more = len(titles) - NAMED
    return ", ".join(titles) if more <= 0 else f"{', '.join(titles[:NAMED])} and {more:,} more"


def _state(days: tuple[date, date, str], today_on: date) -> str:
    if days[0] > today_on:
        return "planned"
    return "over" if days[1] < today_on else "running"
