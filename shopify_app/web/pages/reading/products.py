"""The forecast per product: what sold, what is expected, and how earlier forecasts for it fared."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Row, Select, select, true
from sqlalchemy.orm import Session

from shopify_app.lifecycle import forecasts, outcomes, reordering
from shopify_app.lifecycle.advice import Shelf
from shopify_app.records.objects import Objects
from shopify_app.tables import ForecastRun, Product
from shopify_app.web.pages.reading.standing import Standing
from shopify_app.web.pages.reading.stored import columns

WEEKS, MONTH = 8, 28
FEW = 500
"""More products than this are looked up all together."""
NEW_FOR = timedelta(days=28)
UNSURE = 1.5
"""A range wider than this many times the expected units is called low confidence."""


@dataclass(frozen=True)
class Outlook:
    """Expected units of a span of days, and the range that should hold the truth four times in five."""

    mean: float
    low: float
    high: float

    @property
    def is_unsure(self) -> bool:
        """The range says little."""
        return self.high - self.low > UNSURE * max(self.mean, 1.0)


@dataclass(frozen=True)
class Week:
    """One past week of a product: what had been forecast at its start, and what happened."""

    first_on: date
    said: Outlook
    sold: float

    @property
    def is_inside(self) -> bool:
        """The truth lay in the range."""
        return self.said.low <= self.sold <= self.said.high


@dataclass(frozen=True)
class Reasons:
    """Why a product's forecast is what it is: words and units that add up to `mean`, the level first."""

    days: int
    mean: str
    parts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ProductRow:
    """One product in the list of forecasts."""

    product_id: int
    title: str
    weeks: tuple[float, ...]
    """Units sold in each of the last eight weeks, oldest first."""
    sold: float
    """Units sold in the last 28 days."""
    next_week: Outlook | None
    next_month: Outlook | None
    accuracy: float | None
    """Over the last four weeks; None when fewer than two of them had a forecast."""
    in_stock: int | None
    """None when nobody tracks it, or not every item of it was counted yet."""
    is_new: bool

    @property
    def is_unsure(self) -> bool:
        """The range for the next four weeks says little."""
        return self.next_month is not None and self.next_month.is_unsure


def found(db: Session, objects: Objects, at: Standing, title: str = "") -> list[int]:
    """Products that are forecast and have this in their title, those expected to sell most first."""
    run = forecasts.served(db, at.shop_id, at.today_on)
    if run is None:
        return []
    first = run.origin_on + timedelta(days=1)
    series, days, means = columns(objects.path(run.windows_sha256), ("series", "days", "mean"), first=first)
    month = {name: mean for name, length, mean in zip(series, days, means, strict=True) if length == MONTH}
    expected = {int(name): month.get(name, 0.0) for name in series if name != forecasts.TOTAL}
    names = dict(db.execute(select(Product.product_id, Product.title).where(Product.shop_id == at.shop_id)).all())
    wanted = [(-mean, names.get(number) or f"Product {number}", number) for number, mean in expected.items()]
    return [number for _, name, number in sorted(wanted) if title.lower() in name.lower()]


def rows(db: Session, objects: Objects, at: Standing, product_ids: Sequence[int]) -> list[ProductRow]:
    """These products as the list shows them, in the order given."""
    run = forecasts.served(db, at.shop_id, at.today_on)
    if run is None:
        return []
    wanted = {str(product_id) for product_id in product_ids}
    weeks, first_on = _all_weeks(db, at, product_ids)
    said = [_said(db, objects, at, n) for n in range(1, 5)]
    ahead = outlook(objects, run, among=wanted)
    few = Product.product_id.in_(list(product_ids)) if len(product_ids) <= FEW else true()
    known = {product.product_id: product for product in db.execute(_products(at.shop_id).where(few))}
    shelves = reordering.stock(db, at.shop_id, product_ids if len(product_ids) <= FEW else None)
    none = (0.0,) * WEEKS
    return [
        _row(
            at, series, ahead[series], weeks.get(series, none), said, known.get(n), shelves.get(n), first_on.get(series)
        )
        for n, series in ((n, str(n)) for n in product_ids)
        if series in ahead
    ]


def row(db: Session, objects: Objects, at: Standing, product_id: int) -> ProductRow | None:
    """One product as it stands in that list, without reading the others; None when it is not forecast."""
    series = str(product_id)
    run = forecasts.served(db, at.shop_id, at.today_on)
    ahead = outlook(objects, run, series).get(series) if run else None
    if ahead is None:
        return None
    first, _ = _week(at, WEEKS)
    sold = outcomes.product_by_day(db, at.shop_id, product_id, first, at.closed_on)
    said = [_said(db, objects, at, n, series) for n in range(1, 5)]
    product = db.execute(_products(at.shop_id).where(Product.product_id == product_id)).one_or_none()
    shelf = reordering.stock(db, at.shop_id, [product_id]).get(product_id)
    return _row(at, series, ahead, _by_week(sold.items(), first), said, product, shelf, min(sold, default=None))


def outlook(
    objects: Objects, run: ForecastRun, series: str | None = None, among: Container[str] | None = None
) -> dict[str, dict[int, Outlook]]:
    """Per series, the windows that begin the day after the run, by their length in days; of one, or of these alone."""
    path, first = objects.path(run.windows_sha256), run.origin_on + timedelta(days=1)
    found: dict[str, dict[int, Outlook]] = defaultdict(dict)
    names = ("series", "days", "mean", "p10", "p90")
    for name, days, mean, low, high in zip(*columns(path, names, first=first, series=series), strict=True):
        if among is None or name in among:
            found[name][days] = Outlook(mean, low, high)
    return dict(found)


def past_weeks(db: Session, objects: Objects, at: Standing, product_id: int) -> list[Week]:
    """Up to eight complete weeks of one product, newest first."""
    found = []
    for n in range(1, WEEKS + 1):
        first, last = _week(at, n)
        run = forecasts.served(db, at.shop_id, first)
        if run is not None and run.origin_on == first - timedelta(days=1):
            said = outlook(objects, run, str(product_id)).get(str(product_id), {}).get(7)
            if said is not None:
                sold = outcomes.product_by_day(db, at.shop_id, product_id, first, last)
                found.append(Week(first, said, sum(sold.values())))
    return found


def reasons(db: Session, objects: Objects, at: Standing, product_id: int) -> Reasons | None:
    """What the newest forecast of one product is made of; None for one that was made elsewhere or says nothing."""
    run = forecasts.served(db, at.shop_id, at.today_on)
    told = forecasts.explanation(objects, run, str(product_id)) if run else None
    if told is None:
        return None
    level, *others = ((words, f"{units:,.1f}") for words, units in told["parts"])
    signed = [(words, units.replace("-", "−") if units.startswith("-") else f"+{units}") for words, units in others]
    return Reasons(int(told["days"]), f"{told['mean']:,.1f}", (level, *signed), tuple(told["notes"]))


def accuracy(pairs: Sequence[tuple[float, float]]) -> float | None:
    """1 - WAPE of (forecast, sold) pairs; None when nothing was sold."""
    sold = sum(actual for _, actual in pairs)
    return 1 - sum(abs(said - actual) for said, actual in pairs) / sold if sold > 0 else None


def _row(
    at: Standing,
    series: str,
    windows: Mapping[int, Outlook],
    weeks: tuple[float, ...],
    said: Sequence[Mapping[str, float] | None],
    product: Row[int, str, date | None] | None,
    shelf: Shelf | None,
    first_on: date | None,
) -> ProductRow:
    pairs = [(week[series], weeks[-n]) for n, week in enumerate(said, 1) if week is not None and series in week]
    began = (product.created_on if product else None) or first_on
    return ProductRow(
        product_id=int(series),
        title=product.title if product and product.title else f"Product {series}",
        weeks=weeks,
        sold=sum(weeks[-4:]),
        next_week=windows.get(7),
        next_month=windows.get(28),
        accuracy=accuracy(pairs) if len(pairs) > 1 else None,
        in_stock=shelf.in_stock if shelf else None,
        is_new=began is not None and at.closed_on - began < NEW_FOR,
    )


def _all_weeks(
    db: Session, at: Standing, product_ids: Sequence[int]
) -> tuple[dict[str, tuple[float, ...]], dict[str, date]]:
    """Units per product and week, and the first day each sold in that time. Tests and cancelled orders do not count."""
    first, _ = _week(at, WEEKS)
    only = product_ids if len(product_ids) <= FEW else None
    sold: dict[str, list[tuple[date, float]]] = defaultdict(list)
    for product_id, day, units in outcomes.by_product_and_day(db, at.shop_id, first, at.closed_on, only):
        sold[str(product_id)].append((day, units))
    began = {series: min(day for day, _ in days) for series, days in sold.items()}
    return {series: _by_week(days, first) for series, days in sold.items()}, began


def _by_week(sold: Iterable[tuple[date, float]], first: date) -> tuple[float, ...]:
    """Days added up to weeks from `first` on."""
    weeks = [0.0] * WEEKS
    for day, units in sold:
        weeks[(day - first).days // 7] += units
    return tuple(weeks)


def _said(db: Session, objects: Objects, at: Standing, n: int, series: str | None = None) -> dict[str, float] | None:
    """Per product, the n-th last complete week as it had been forecast when it began: the median is what is judged."""
    first, _ = _week(at, n)
    run = forecasts.served(db, at.shop_id, first)
    if run is None or run.origin_on != first - timedelta(days=1):
        return None
    path = objects.path(run.windows_sha256)
    return dict(zip(*columns(path, ("series", "p50"), first=first, days=7, series=series), strict=True))


def _week(at: Standing, n: int) -> tuple[date, date]:
    """First and last day of the n-th last complete week: weeks are counted back from the last complete day."""
    last = at.closed_on - timedelta(days=7 * (n - 1))
    return last - timedelta(days=6), last


def _products(shop_id: int) -> Select[int, str, date | None]:
    return select(Product.product_id, Product.title, Product.created_on).where(Product.shop_id == shop_id)
