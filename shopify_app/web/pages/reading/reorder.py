"""What to order today, as a merchant reads it: by vendor, with the reason in words."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app.lifecycle import forecasts, reordering
from shopify_app.lifecycle.advice import Advice, Line, Need
from shopify_app.lifecycle.reordering import Terms
from shopify_app.records import variants, vendors
from shopify_app.records.objects import Objects
from shopify_app.tables import Product, Purchase
from shopify_app.web.pages.reading.standing import Standing
from shopify_app.web.pages.words import fine_percent, units

MOST_BEHIND = 7
"""A forecast that does not know more days than this hides its quantities."""
NO_VENDOR = "No vendor"
CHUNK = 900
LARGE = 10_000
"""Products of a shop whose advice is not worked out for the sake of one number."""


@dataclass(frozen=True)
class Item:
    """One product of the list."""

    title: str
    is_published: bool
    line: Line
    why: str


@dataclass(frozen=True)
class Group:
    """A vendor's products on one page of the list."""

    vendor: str
    label: str
    terms: Terms
    items: list[Item]
    now: int
    """Products to order today, on all pages."""
    now_units: int


@dataclass(frozen=True)
class Summary:
    """The whole shop, or one vendor of it."""

    products: int
    now: int
    now_units: int
    later: int
    unknown: int
    sold_out: int
    """Of those that are expected to sell, how many nobody can buy now."""
    sold_out_variants: int
    """Of the other products, how many of their variants."""


@dataclass(frozen=True)
class Freshness:
    """Whether the forecast behind the list is that of last evening."""

    origin_on: date
    behind_days: int

    @property
    def is_hidden(self) -> bool:
        """Too old to order by."""
        return self.behind_days > MOST_BEHIND


def advice(db: Session, objects: Objects, at: Standing, only: int | None = None) -> Advice | None:
    """What to do about every product; None before the first forecast."""
    run = forecasts.served(db, at.shop_id, at.today_on)
    return reordering.advice(db, objects, at.shop_id, at.policy, run, at.today_on, only) if run else None


def is_large(db: Session, at: Standing) -> bool:
    """Whether the advice takes a second or more, so that only who asks for the list should wait for it."""
    mine = select(Product.product_id).where(Product.shop_id == at.shop_id)
    return db.scalar(mine.offset(LARGE - 1).limit(1)) is not None


def freshness(found: Advice) -> Freshness:
    """How old the forecast is."""
    return Freshness(found.origin_on, found.behind_days)


def summary(found: Advice, vendor: str | None) -> Summary:
    """Counts of the list."""
    needs = {need: found.places(need, vendor) for need in Need}
    out = sold_out(found, vendor)
    return Summary(
        products=sum(len(places) for places in needs.values()),
        now=len(needs[Need.NOW]),
        now_units=sum(found.units(place) for place in needs[Need.NOW]),
        later=len(needs[Need.LATER]),
        unknown=len(needs[Need.UNKNOWN]),
        sold_out=sum(found.sold_out(place) == 0 for place in out),
        sold_out_variants=sum(found.sold_out(place) for place in out),
    )


def sold_out(found: Advice, vendor: str | None) -> list[int]:
    """Products that nobody can buy now, wholly or some of their variants, as `Advice.places` orders them."""
    return [place for place in found.places(vendor=vendor) if found.sold_out(place) or found.shelves[place].is_sold_out]


def groups(db: Session, at: Standing, found: Advice, places: Sequence[int]) -> list[Group]:
    """These products by vendor, as `Advice.places` orders them."""
    lines = [found.line(place) for place in places]
    known = titles(db, at, [line.product_id for line in lines])
    now: dict[str, list[int]] = defaultdict(list)
    for place in found.places(Need.NOW):
        now[found.shelves[place].vendor].append(found.units(place))
    return [
        Group(
            vendor=vendor,
            label=vendor or NO_VENDOR,
            terms=found.terms[vendor],
            items=[_item(at, line, known) for line in mine],
            now=len(now[vendor]),
            now_units=sum(now[vendor]),
        )
        for vendor, mine in groupby(lines, lambda line: line.vendor)
    ]


def titles(db: Session, at: Standing, product_ids: Sequence[int]) -> dict[int, tuple[str, bool]]:
    """Title of each product and whether it is published."""
    found: dict[int, tuple[str, bool]] = {}
    for first in range(0, len(product_ids), CHUNK):
        some = Product.product_id.in_(product_ids[first : first + CHUNK])
        rows = select(Product.product_id, Product.title, Product.is_published).where(
            Product.shop_id == at.shop_id, some
        )
        found |= {number: (title or f"Product {number}", published) for number, title, published in db.execute(rows)}
    return found


def one(db: Session, objects: Objects, at: Standing, product_id: int) -> Item | None:
    """What to do about one product; None when it is not forecast."""
    found = advice(db, objects, at, product_id)
    if found is None or not found.shelves:
        return None
    return _item(at, found.line(0), titles(db, at, [product_id]))


def on_the_way(db: Session, at: Standing) -> list[tuple[str, list[tuple[str, int]], Purchase]]:
    """What was ordered and is not due yet: its title, and its variants with their units where they were told."""
    purchases = vendors.on_the_way(db, at.shop_id, at.today_on)
    known = titles(db, at, [purchase.product_id for purchase in purchases])
    of = variants.titles(db, at.shop_id, [int(n) for one in purchases for n in one.of_variants or ()])
    return [
        (
            known.get(one.product_id, (f"Product {one.product_id}", True))[0],
            [(of.get(int(n)) or f"Variant {n}", units) for n, units in (one.of_variants or {}).items()],
            one,
        )
        for one in purchases
    ]


def labels(names: Iterable[str]) -> list[tuple[str, str]]:
    """Each vendor with what it is called on a page."""
    return [(name, name or NO_VENDOR) for name in names]


def why(at: Standing, line: Line) -> str:
    """The numbers behind one piece of advice, in the order in which they are calculated."""
    terms = line.terms
    days = f"{terms.lead_days} days" if terms.lead_days > 1 else "1 day"
    told = (
        f"Delivery takes {days}. About {units(line.lead_time_units)} sell until then, and {units(line.safety_units)}"
        f" more are for safety (service level {fine_percent(terms.service_level)}): {units(line.reorder_point)} in all."
    )
    if line.need == Need.UNKNOWN:
        return f"{told} Shopify does not say how many are in stock, so nothing can be advised."
    if line.variants:
        return f"{told} {_by_variant(line)}"
    there = _there(line.in_stock or 0, line.on_the_way)
    if line.need == Need.NONE:
        enough = "so little that nothing is ordered" if line.order_units == 0 and line.per_day < 0.02 else "enough"
        return f"{told} {there}: {enough} for the days that are forecast."
    after = f"{units(line.cover_units)} for the {terms.cover_days} days after"
    if line.need == Need.LATER:
        return f"{told} {there}, more than that for now; then it is {after}{_steps(terms)}."
    return f"{told} {there}. What is missing, with {after}, makes {line.order_units:,}{_steps(terms)}."


def _there(in_stock: int, on_the_way: int) -> str:
    coming = f" and {on_the_way:,} on the way" if on_the_way else ""
    if in_stock < 0:
        return f"Customers wait for {-in_stock:,}, with none in stock{coming}"
    return f"There {'is' if in_stock == 1 and not on_the_way else 'are'} {in_stock:,} in stock{coming}"


def _by_variant(line: Line) -> str:
    """How the quantities of a product's variants were calculated."""
    how = (
        "Each variant is calculated by itself, from its share of what sold in the last 91 days, without the days on"
        " which it was sold out"
    )
    short = sum(one.line.need == Need.NOW for one in line.variants)
    if line.need == Need.NOW:
        return (
            f"{how}: {short:,} of {len(line.variants):,} are short. What they miss, with what sells in the"
            f" {line.terms.cover_days} days after, makes {line.order_units:,}{_steps(line.terms)}."
        )
    return f"{how}: none of {len(line.variants):,} is short today."


def _steps(terms: Terms) -> str:
    parts = [f"in packs of {terms.step_units:,}"] if terms.step_units > 1 else []
    parts += [f"at least {terms.least_units:,}"] if terms.least_units > 1 else []
    return f", {' and '.join(parts)}" if parts else ""


def _item(at: Standing, line: Line, known: dict[int, tuple[str, bool]]) -> Item:
    title, published = known.get(line.product_id, (f"Product {line.product_id}", True))
    return Item(title, published, line, why(at, line))
