"""Recommendation lists: what is published, what one product's list looks like and why, and how answers fare."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ml.recommend.neighbours import NeighbourTable
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.tables import Evaluation, Exposure, Job, Product, PublishedList, Task, Version, WorkState
from shopify_app.web.pages.reading.standing import Standing

CHOICES = 200
"""Products offered in the preview's menu; the others are reached from their own page."""
ANSWERED_DAYS = 7


@dataclass(frozen=True)
class Published:
    """What the shop's product pages show now."""

    lists: int
    products: int
    last_at: datetime | None
    is_publishing: bool
    note: str | None
    error: str | None


@dataclass(frozen=True)
class Choice:
    """A product whose list can be looked at."""

    product_id: int
    title: str


@dataclass(frozen=True)
class Item:
    """One recommended product and why it is there."""

    product_id: int
    title: str
    why: str
    in_stock: int | None
    is_shown: bool
    """False for spares: they move up when one before them sells out."""


@dataclass(frozen=True)
class Answers:
    """The last days' answers to carts and pages that asked."""

    days: int
    given: int
    shadowed: int
    overlap: float | None
    faults: int
    median_ms: float | None


def published(db: Session, at: Standing) -> Published:
    """How many lists the shop holds, and whether writing them goes well."""
    mine = PublishedList.shop_id == at.shop_id
    lists, last_at = db.execute(select(func.count(), func.max(PublishedList.published_at)).where(mine)).one()
    products = db.scalar(
        select(func.count())
        .select_from(Product)
        .where(Product.shop_id == at.shop_id, Product.deleted_at.is_(None), Product.is_published)
    )
    job = db.scalar(
        select(Job).where(Job.shop_id == at.shop_id, Job.kind == "publish").order_by(Job.id.desc()).limit(1)
    )
    waits = job is not None and job.state == WorkState.PENDING
    return Published(
        lists=lists,
        products=products or 0,
        last_at=last_at,
        is_publishing=waits,
        note=job.progress if job and waits else None,
        error=job.error if job and job.state != WorkState.DONE else None,
    )


def choices(db: Session, at: Standing) -> list[Choice]:
    """Products with a list, by name."""
    rows = db.execute(
        select(Product.product_id, Product.title)
        .join(
            PublishedList,
            (PublishedList.shop_id == Product.shop_id) & (PublishedList.product_id == Product.product_id),
        )
        .where(Product.shop_id == at.shop_id, Product.deleted_at.is_(None))
        .order_by(Product.title)
        .limit(CHOICES)
    )
    return [Choice(product_id, title) for product_id, title in rows]


def items(db: Session, bundles: Bundles, at: Standing, product_id: int, champion: Version | None) -> list[Item]:
    """The published list of one product in order, each with the orders that speak for it."""
    row = db.get(PublishedList, (at.shop_id, product_id))
    if row is None:
        return []
    together = _together(bundles, champion, product_id)
    known = _products(db, at.shop_id, row.neighbours)
    return [
        Item(
            product_id=neighbour,
            title=known[neighbour].title if neighbour in known else f"Product {neighbour}",
            why=_why(together.get(neighbour)),
            in_stock=known[neighbour].units_in_stock if neighbour in known else None,
            is_shown=place < at.policy.list_length,
        )
        for place, neighbour in enumerate(row.neighbours)
    ]


def answers(db: Session, at: Standing) -> Answers:
    """What was answered in the last days, and what the shadow would have said."""
    since = at.today_on - timedelta(days=ANSWERED_DAYS)
    mine = (Exposure.shop_id == at.shop_id, Exposure.answered_on > since)
    given, shadowed, overlap, faults = db.execute(
        select(
            func.count(),
            func.count(Exposure.shadow_id),
            func.avg(Exposure.overlap),
            func.count(Exposure.shadow_error),
        ).where(*mine)
    ).one()
    times = db.scalars(select(Exposure.microseconds).where(*mine).order_by(Exposure.id.desc()).limit(501)).all()
    median = sorted(times)[len(times) // 2] / 1000 if times else None
    return Answers(ANSWERED_DAYS, given, shadowed, overlap, faults, median)


def retained(db: Session, at: Standing) -> Evaluation | None:
    """The newest judgement of the lists in charge."""
    return db.scalar(
        select(Evaluation)
        .where(
            Evaluation.shop_id == at.shop_id,
            Evaluation.task == Task.RECOMMEND,
            Evaluation.level == "retained",
        )
        .order_by(Evaluation.evaluated_on.desc(), Evaluation.id.desc())
        .limit(1)
    )


def _together(bundles: Bundles, champion: Version | None, product_id: int) -> dict[int, int]:
    """In how many recent orders each neighbour was bought with the product."""
    if champion is None:
        return {}
    table = NeighbourTable.open(bundles.folder(champion.bundle))
    return {near.product_id: int(near.together) for near in table.neighbours(product_id, 50)}


def _products(db: Session, shop_id: int, product_ids: Iterable[int]) -> dict[int, Product]:
    wanted = list(product_ids)
    rows = db.scalars(select(Product).where(Product.shop_id == shop_id, Product.product_id.in_(wanted)))
    return {product.product_id: product for product in rows}


def _why(orders: int | None) -> str:
    if orders is None:
        return "Sells well in the whole shop"
    return f"Bought together in {orders:,} order{'s' if orders != 1 else ''}"
