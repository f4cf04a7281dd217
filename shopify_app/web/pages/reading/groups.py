"""The forecast per product type or collection: what sold, what is expected, and how earlier forecasts for it fared."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app.lifecycle import forecasts, outcomes
from shopify_app.records import catalogue
from shopify_app.records.objects import Objects
from shopify_app.tables import ForecastRun, Product
from shopify_app.web.pages.reading.products import MONTH, WEEKS, Outlook, accuracy
from shopify_app.web.pages.reading.standing import Standing
from shopify_app.web.pages.reading.stored import columns

OTHERS = "Other types"
"""As `ml.forecast.groups` calls the smallest ones together."""
NO_TYPE = "No type"
JUDGED = 4
"""Weeks that past accuracy is told of."""


class Kind(StrEnum):
    """What makes a group of products; the word that addresses and columns have for it."""

    TYPE = "type"
    COLLECTION = "collection"


Key = str | int
"""A type's own name, or a collection's number: two may have the same title."""


@dataclass(frozen=True)
class GroupRow:
    """One type or collection in the list of forecasts."""

    kind: Kind
    key: Key
    label: str
    """What it is called on a page."""
    products: int
    """How many of them are forecast."""
    weeks: tuple[float, ...]
    """Units sold in each of the last eight weeks, oldest first."""
    next_week: Outlook | None
    next_month: Outlook | None
    accuracy: float | None
    """Over the last four weeks; None when fewer than two of them had a forecast."""

    @property
    def sold(self) -> float:
        """Units sold in the last 28 days."""
        return sum(self.weeks[-4:])

    @property
    def has_page(self) -> bool:
        """Its products can be listed: it is one group."""
        return self.key not in ("", OTHERS)


@dataclass(frozen=True)
class Chosen:
    """The group whose products alone are listed."""

    kind: Kind
    key: Key
    label: str
    products: frozenset[int]


def rows(db: Session, objects: Objects, at: Standing, kind: Kind) -> list[GroupRow]:
    """Every group, the one that is expected to sell most first; none in a shop that has none to tell."""
    run = forecasts.served(db, at.shop_id, at.today_on)
    if run is None or _file(run, kind) is None:
        return []
    ahead = _ahead(objects, run, kind)
    sold = _sold(db, at, kind)
    past = [_said(db, objects, at, kind, n) for n in range(1, JUDGED + 1)]
    found = []
    for key, (label, products, spans) in ahead.items():
        weeks = _weeks(sold, ahead.keys()) if key == OTHERS else sold.get(key, (0.0,) * WEEKS)
        pairs = [(week[key], weeks[-n]) for n, week in enumerate(past, 1) if key in week]
        fared = accuracy(pairs) if len(pairs) > 1 else None
        found.append(GroupRow(kind, key, label, products, weeks, spans.get(7), spans.get(MONTH), fared))
    return found


def exist(db: Session, at: Standing) -> list[Kind]:
    """The kinds of groups that there is anything to tell of."""
    run = forecasts.served(db, at.shop_id, at.today_on)
    return [kind for kind in Kind if run is not None and _file(run, kind) is not None]


def labels(db: Session, shop_id: int, kind: Kind) -> dict[Key, str]:
    """What groups are called now, in order of the name."""
    return dict(sorted(_members(db, shop_id, kind)[0].items(), key=lambda pair: (pair[1].casefold(), pair[0])))


def chosen(db: Session, shop_id: int, kind: Kind, asked: str) -> Chosen | None:
    """The group that an address asks for, by a type's name or a collection's number; None when it asks for none."""
    key: Key | None = asked if kind == Kind.TYPE else int(asked) if asked.isdecimal() else None
    if not asked or key is None:
        return None
    named, members = _members(db, shop_id, kind)
    mine = frozenset(number for number, keys in members.items() if key in keys)
    return Chosen(kind, key, named.get(key, asked), mine)


def _file(run: ForecastRun, kind: Kind) -> str | None:
    """The object with what a run says of these groups."""
    return run.types_sha256 if kind == Kind.TYPE else run.collections_sha256


def _members(db: Session, shop_id: int, kind: Kind) -> tuple[dict[Key, str], dict[int, tuple[Key, ...]]]:
    """What groups are called, and which of them each product is in now."""
    named: dict[Key, str] = {}
    members: dict[int, tuple[Key, ...]] = {}
    if kind == Kind.COLLECTION:
        for number, pairs in catalogue.in_collections(db, shop_id):
            named |= dict(pairs)
            members[number] = tuple(key for key, _ in pairs)
        return named, members
    mine = select(Product.product_id, Product.product_type).where(Product.shop_id == shop_id)
    for number, told in db.execute(mine):
        named[told.strip()] = told.strip()
        members[number] = (told.strip(),)
    return named, members


def _ahead(objects: Objects, run: ForecastRun, kind: Kind) -> dict[Key, tuple[str, int, dict[int, Outlook]]]:
    """Of each group what it is called, how many products it has, and the windows that begin the day after the run."""
    title = kind if kind == Kind.TYPE else "title"
    names = (kind, title, "products", "days", "mean", "p10", "p90")
    found: dict[Key, tuple[str, int, dict[int, Outlook]]] = {}
    first = run.origin_on + timedelta(days=1)
    for key, label, products, days, mean, low, high in zip(
        *columns(objects.path(_file(run, kind) or ""), names, first=first), strict=True
    ):
        found.setdefault(key, (label or NO_TYPE, products, {}))[2][days] = Outlook(mean, low, high)
    return found


def _said(db: Session, objects: Objects, at: Standing, kind: Kind, n: int) -> dict[Key, float]:
    """Per group, the n-th last complete week as it had been forecast when it began."""
    first = at.closed_on - timedelta(days=7 * n - 1)
    run = forecasts.served(db, at.shop_id, first)
    if run is None or run.origin_on != first - timedelta(days=1):
        return {}
    file = _file(run, kind)
    return dict(zip(*columns(objects.path(file), (kind, "p50"), first=first, days=7), strict=True)) if file else {}


def _sold(db: Session, at: Standing, kind: Kind) -> dict[Key, tuple[float, ...]]:
    """Units per group in each of the last eight weeks, by what is in it now; without tests and cancelled orders."""
    first = at.closed_on - timedelta(days=7 * WEEKS - 1)
    _, members = _members(db, at.shop_id, kind)
    nowhere: tuple[Key, ...] = ("",) if kind == Kind.TYPE else ()
    weeks: Mapping[Key, list[float]] = defaultdict(lambda: [0.0] * WEEKS)
    for product_id, on, units in outcomes.by_product_and_day(db, at.shop_id, first, at.closed_on):
        for key in members.get(product_id, nowhere):
            weeks[key][_week(on, first)] += units
    return {key: tuple(units) for key, units in weeks.items()}


def _weeks(sold: Mapping[Key, tuple[float, ...]], named: Collection[Key]) -> tuple[float, ...]:
    """What all types together sold that are not told by name."""
    others = [weeks for key, weeks in sold.items() if key not in named or key == OTHERS]
    return tuple(map(sum, zip(*others, strict=True))) if others else (0.0,) * WEEKS


def _week(on: date, first: date) -> int:
    return (on - first).days // 7
