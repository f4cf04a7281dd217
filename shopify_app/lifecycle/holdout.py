"""A test of lists against none: started by the merchant, told by the pixel, counted from Shopify's orders."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ml.holdout import Compared, Said, compare
from shopify_app import clock
from shopify_app.records import feeds, jobs
from shopify_app.tables import Order, OrderLine, View, ViewKind

__all__ = ["Compared", "Result", "Said", "Test", "of", "result", "start", "stop"]

FEED = "holdout"
"""Under which name a shop's test is remembered."""
SHOWN, HELD = "a", "b"


@dataclass(frozen=True)
class Test:
    """A shop's newest test. number: 0 before there was one."""

    number: int = 0
    runs: bool = False
    since: datetime | None = None

    @property
    def published(self) -> int:
        """What the theme reads: the number of the test that runs, 0 for none."""
        return self.number if self.runs else 0


@dataclass(frozen=True)
class Result:
    """How it stands. amount: what the buyers of a group paid after meeting a list, by group.

    chosen_orders: orders of group a with a line put into the cart from a list, or a product that was opened from one.
    """

    compared: Compared
    shown_amount: float
    held_amount: float
    chosen_orders: int
    both_groups: int
    """Visitors who were seen in both groups and are left out."""


def of(db: Session, shop_id: int) -> Test:
    """The shop's newest test."""
    feed = feeds.of(db, shop_id, FEED)
    if feed is None:
        return Test()
    return Test(int(feed.told["number"]), bool(feed.told["runs"]), clock.parse(feed.told["since"]))


def start(db: Session, shop_id: int) -> Test:
    """A new test, with new groups; the one that runs, if one does. The theme is told by a job."""
    test = of(db, shop_id)
    return test if test.runs else _keep(db, shop_id, Test(test.number + 1, True, clock.now()), "a test was started")


def stop(db: Session, shop_id: int) -> Test:
    """No test any more; what was counted stays readable for as long as views are kept."""
    test = of(db, shop_id)
    return _keep(db, shop_id, Test(test.number, False, test.since), "the test was stopped") if test.runs else test


def result(db: Session, shop_id: int, number: int) -> Result:
    """The test's visitors by group, and who of them bought after they first met a list.

    That somebody ordered is the pixel's word; that the order exists, is no test, was not cancelled, and what was in
    it, is Shopify's.
    """
    met, both = _groups(db, shop_id, number)
    paid: dict[str, dict[int, float]] = {SHOWN: {}, HELD: {}}
    chosen: set[int] = set()
    picks, lines = _chosen(db, shop_id), _lines(db, shop_id)
    for visitor, order_id, amount in _orders(db, shop_id, met):
        arm = met[visitor][0]
        paid[arm][visitor] = paid[arm].get(visitor, 0.0) + amount
        from_lists = (beside is not None or product in picks[visitor] for product, beside in lines[order_id])
        if arm == SHOWN and any(from_lists):
            chosen.add(order_id)
    shown = sum(arm == SHOWN for arm, _ in met.values())
    compared = compare(shown, len(met) - shown, len(paid[SHOWN]), len(paid[HELD]))
    return Result(compared, sum(paid[SHOWN].values()), sum(paid[HELD].values()), len(chosen), both)


def _keep(db: Session, shop_id: int, test: Test, cause: str) -> Test:
    assert test.since is not None
    told = {"number": test.number, "runs": test.runs, "since": test.since.isoformat()}
    feeds.done(db, shop_id, FEED, told=told)
    jobs.ask(db, shop_id, "holdout", cause)
    return test


def _groups(db: Session, shop_id: int, number: int) -> tuple[dict[int, tuple[str, datetime]], int]:
    """Each visitor's group and when they first met a list; how many were in both groups, who are left out."""
    wanted = View.shop_id == shop_id, View.kind == ViewKind.MET, View.test == number, View.arm.in_((SHOWN, HELD))
    met = select(View.visitor, View.arm, func.min(View.seen_at)).where(*wanted).group_by(View.visitor, View.arm)
    first: dict[int, tuple[str, datetime]] = {}
    both = set()
    for visitor, arm, at in db.execute(met):
        if visitor in first:
            both.add(visitor)
        first[visitor] = (str(arm), at)
    return {visitor: seen for visitor, seen in first.items() if visitor not in both}, len(both)


def _orders(db: Session, shop_id: int, met: dict[int, tuple[str, datetime]]) -> Iterator[tuple[int, int, float]]:
    """Visitor, order and what it cost: each order once, placed after the visitor first met a list."""
    told = (
        select(View.visitor, View.order_id, View.seen_at, Order.total_amount)
        .join(Order, (Order.shop_id == View.shop_id) & (Order.order_id == View.order_id))
        .where(View.shop_id == shop_id, View.kind == ViewKind.ORDERED)
        .where(Order.is_test.is_(False), Order.cancelled_at.is_(None))
        .order_by(View.id)
    )
    counted: set[int] = set()
    for visitor, order_id, at, amount in db.execute(told):
        if order_id is None or order_id in counted:
            continue
        if visitor in met and at >= met[visitor][1]:
            counted.add(order_id)
            yield visitor, order_id, float(amount)


def _chosen(db: Session, shop_id: int) -> defaultdict[int, set[int]]:
    """What each visitor chose from a list."""
    wanted = View.shop_id == shop_id, View.kind == ViewKind.CLICKED
    found: defaultdict[int, set[int]] = defaultdict(set)
    for visitor, product_id in db.execute(select(View.visitor, View.product_id).where(*wanted)):
        if product_id is not None:
            found[visitor].add(product_id)
    return found


def _lines(db: Session, shop_id: int) -> defaultdict[int, list[tuple[int | None, int | None]]]:
    """What was in the orders that browsers told of: product, and in whose list it was chosen, by order."""
    told = select(View.order_id).where(View.shop_id == shop_id, View.kind == ViewKind.ORDERED)
    wanted = OrderLine.shop_id == shop_id, OrderLine.order_id.in_(told)
    found: defaultdict[int, list[tuple[int | None, int | None]]] = defaultdict(list)
    columns = OrderLine.order_id, OrderLine.product_id, OrderLine.beside_id
    for order_id, product_id, beside_id in db.execute(select(*columns).where(*wanted)):
        found[order_id].append((product_id, beside_id))
    return found
