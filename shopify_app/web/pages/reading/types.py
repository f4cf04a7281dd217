"""The forecast per product type: what sold, what is expected, and how earlier forecasts for it fared."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopify_app.lifecycle import forecasts
from shopify_app.lifecycle.outcomes import SAME_ORDER
from shopify_app.records.objects import Objects
from shopify_app.tables import ForecastRun, Order, OrderLine, Product
from shopify_app.web.pages.reading.products import MONTH, WEEKS, Outlook, accuracy
from shopify_app.web.pages.reading.standing import Standing
from shopify_app.web.pages.reading.stored import columns

OTHERS = "Other types"
"""As `ml.forecast.groups` calls the smallest ones together."""
NO_TYPE = "No type"
JUDGED = 4
"""Weeks that past accuracy is told of."""


@dataclass(frozen=True)
class TypeRow:
    """One product type in the list of forecasts."""

    name: str
    products: int
    """How many of them are forecast."""
    weeks: tuple[float, ...]
    """Units sold in each of the last eight weeks, oldest first."""
    next_week: Outlook | None
    next_month: Outlook | None
    accuracy: float | None
    """Over the last four weeks; None when fewer than two of them had a forecast."""

    @property
    def label(self) -> str:
        """What it is called on a page."""
        return self.name or NO_TYPE

    @property
    def sold(self) -> float:
        """Units sold in the last 28 days."""
        return sum(self.weeks[-4:])

    @property
    def has_page(self) -> bool:
        """Its products can be listed: it is one type."""
        return self.name not in ("", OTHERS)


def rows(db: Session, objects: Objects, at: Standing) -> list[TypeRow]:
    """Every type, the one that is expected to sell most first; none when there are fewer than two."""
    run = forecasts.served(db, at.shop_id, at.today_on)
    if run is None or run.types_sha256 is None:
        return []
    ahead = _ahead(objects, run)
    sold = _sold(db, at, set(ahead))
    past = [_said(db, objects, at, n) for n in range(1, JUDGED + 1)]
    found = []
    for name, (products, spans) in ahead.items():
        weeks = sold.get(name, (0.0,) * WEEKS)
        pairs = [(week[name], weeks[-n]) for n, week in enumerate(past, 1) if name in week]
        fared = accuracy(pairs) if len(pairs) > 1 else None
        found.append(TypeRow(name, products, weeks, spans.get(7), spans.get(MONTH), fared))
    return found


def exist(db: Session, at: Standing) -> bool:
    """Whether there is anything to tell by type."""
    run = forecasts.served(db, at.shop_id, at.today_on)
    return run is not None and run.types_sha256 is not None


def products_of(db: Session, at: Standing, name: str) -> set[int]:
    """The products of a type."""
    mine = select(Product.product_id, Product.product_type).where(Product.shop_id == at.shop_id)
    return {number for number, kind in db.execute(mine) if kind.strip() == name}


def _ahead(objects: Objects, run: ForecastRun) -> dict[str, tuple[int, dict[int, Outlook]]]:
    """Of each type how many products it has, and the windows that begin the day after the run."""
    names = ("type", "products", "days", "mean", "p10", "p90")
    found: dict[str, tuple[int, dict[int, Outlook]]] = {}
    first = run.origin_on + timedelta(days=1)
    for name, products, days, mean, low, high in zip(
        *columns(objects.path(run.types_sha256 or ""), names, first=first), strict=True
    ):
        found.setdefault(name, (products, {}))[1][days] = Outlook(mean, low, high)
    return found


def _said(db: Session, objects: Objects, at: Standing, n: int) -> dict[str, float]:
    """Per type, the n-th last complete week as it had been forecast when it began."""
    first = at.closed_on - timedelta(days=7 * n - 1)
    run = forecasts.served(db, at.shop_id, first)
    if run is None or run.types_sha256 is None or run.origin_on != first - timedelta(days=1):
        return {}
    return dict(zip(*columns(objects.path(run.types_sha256), ("type", "p50"), first=first, days=7), strict=True))


def _sold(db: Session, at: Standing, known: set[str]) -> dict[str, tuple[float, ...]]:
    """Units per type in each of the last eight weeks. Tests and cancelled orders do not count."""
    first = at.closed_on - timedelta(days=7 * WEEKS - 1)
    types = {
        number: kind.strip()
        for number, kind in db.execute(
            select(Product.product_id, Product.product_type).where(Product.shop_id == at.shop_id)
        )
    }
    lines = (
        select(OrderLine.product_id, OrderLine.created_on, func.sum(OrderLine.units))
        .join(Order, SAME_ORDER)
        .where(
            OrderLine.shop_id == at.shop_id,
            OrderLine.created_on.between(first, at.closed_on),
            OrderLine.product_id.is_not(None),
            OrderLine.units > 0,
            Order.is_test.is_(False),
            Order.cancelled_at.is_(None),
        )
        .group_by(OrderLine.product_id, OrderLine.created_on)
    )
    weeks: Mapping[str, list[float]] = defaultdict(lambda: [0.0] * WEEKS)
    for product_id, on, units in db.execute(lines):
        kind = types.get(product_id or 0, "")
        weeks[kind if kind in known else OTHERS][_week(on, first)] += float(units)
    return {name: tuple(units) for name, units in weeks.items()}


def _week(on: date, first: date) -> int:
    return (on - first).days // 7
