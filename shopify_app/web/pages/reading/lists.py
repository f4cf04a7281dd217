"""Recommendation lists: what is published, what one product's list looks like and why, and how answers fare."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from shopify_app.errors import NotFound
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.lifecycle.explain import Explanation, explain
from shopify_app.records import jobs, mailings, shops
from shopify_app.tables import Evaluation, Exposure, Job, Order, OrderLine, Product, PublishedList, Task, WorkState
from shopify_app.tables.orders import IS_SALE, SAME_ORDER
from shopify_app.web.pages.reading.standing import Standing

CHOICES = 200
"""Products offered in the preview's menu; the others are found by their title or reached from their own page."""
MOST_WORDS = 8
ANSWERED_DAYS = 7
BOUGHT_DAYS = 28


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
class Preview:
    """A product's list as it would be published this moment, and whether shoppers see just that."""

    told: Explanation
    is_written: bool


@dataclass(frozen=True)
class Answers:
    """The last days' answers to carts and pages that asked."""

    days: int
    given: int
    shadowed: int
    overlap: float | None
    faults: int
    median_ms: float | None


@dataclass(frozen=True)
class Bought:
    """What shoppers chose from a list and then bought. It says what was used, not what else would have been bought."""

    days: int
    orders: int
    units: int
    amount: float
    all_orders: int


@dataclass(frozen=True)
class MailingFile:
    """The file for a mailing tool. is_coming: a worker makes it. error: why the last try at that failed."""

    customers: int | None
    made_at: datetime | None
    until: datetime
    is_coming: bool
    error: str | None


def mailing(db: Session, at: Standing) -> MailingFile | None:
    """The newest one that was asked for, while it is kept."""
    found = mailings.newest(db, at.shop_id)
    if found is None:
        return None
    mine = Job.shop_id == at.shop_id, Job.kind == "mailing"
    error = db.scalar(select(Job.error).where(*mine).order_by(Job.id.desc()).limit(1))
    is_coming = found.made_at is None and jobs.is_open(db, at.shop_id, "mailing")
    return MailingFile(found.customers, found.made_at, found.expires_at, is_coming, None if found.made_at else error)


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


def choices(db: Session, at: Standing, words: str = "") -> list[Choice]:
    """Products whose title holds all the words, by name; every product of the shop without words."""
    rows = db.execute(
        select(Product.product_id, Product.title)
        .where(Product.shop_id == at.shop_id, Product.deleted_at.is_(None))
        .where(*(Product.title.icontains(word, autoescape=True) for word in words.split()[:MOST_WORDS]))
        .order_by(Product.title, Product.product_id)
        .limit(CHOICES)
    )
    return [Choice(product_id, title) for product_id, title in rows]


def choice(db: Session, at: Standing, product_id: int) -> Choice | None:
    """One product of the shop."""
    product = db.get(Product, (at.shop_id, product_id))
    return Choice(product_id, product.title) if product and product.deleted_at is None else None


def preview(db: Session, bundles: Bundles, at: Standing, chosen: Choice) -> Preview | None:
    """The chosen product's list with its reasons, None while no version is in charge."""
    try:
        told = explain(db, bundles, shops.get(db, at.shop_id), chosen.product_id)
    except NotFound:
        return None
    row = db.get(PublishedList, (at.shop_id, chosen.product_id))
    listed = tuple(one.product_id for one in told.shown)
    return Preview(told, is_written=row is not None and tuple(row.neighbours) == listed)


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


def bought(db: Session, at: Standing) -> Bought:
    """What was put into the cart from a list and then bought, as the orders themselves say."""
    since = at.today_on - timedelta(days=BOUGHT_DAYS)
    sold = (
        OrderLine.shop_id == at.shop_id,
        OrderLine.created_on > since,
        OrderLine.units > 0,
        *IS_SALE,
    )
    chosen = OrderLine.beside_id.is_not(None)
    orders, units, amount, every = db.execute(
        select(
            func.count(case((chosen, OrderLine.order_id)).distinct()),
            func.coalesce(func.sum(case((chosen, OrderLine.units))), 0),
            func.coalesce(func.sum(case((chosen, OrderLine.units * OrderLine.price_amount))), 0),
            func.count(OrderLine.order_id.distinct()),
        )
        .join(Order, SAME_ORDER)
        .where(*sold)
    ).one()
    return Bought(BOUGHT_DAYS, orders, int(units), float(amount), every)


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
