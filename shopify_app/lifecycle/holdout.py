"""A test of lists against none: started by the merchant, met by visitors as the pixel tells, decided by orders."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ml.holdout import Compared, Said, compare
from shopify_app import clock
from shopify_app.records import feeds, jobs
from shopify_app.tables import Order, OrderLine, View, ViewKind
from shopify_app.tables.orders import IS_SALE, SAME_ORDER

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

    chosen_orders: orders of group a with a line that was put into the cart from a list.
    """

    compared: Compared
    shown_amount: float
    held_amount: float
    chosen_orders: int
    both_groups: int
    """Visitors and buyers who were seen in both groups and are left out."""


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

    Who met a list is the pixel's word. Who bought, in which group and for how much is Shopify's alone: the block notes
    the group on every line that is put into the cart from then on, and the order's webhook brings it back.
    """
    shown, held, both = _met(db, shop_id, number)
    orders = _orders(db, shop_id, number)
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for order in orders:
        groups[order.buyer] |= order.arms
    torn = {buyer for buyer, arms in groups.items() if len(arms) > 1}
    paid = {
        arm: [order for order in orders if order.arms == {arm} and order.buyer not in torn] for arm in (SHOWN, HELD)
    }
    buyers = {arm: len({order.buyer for order in found}) for arm, found in paid.items()}
    # A browser may keep the pixel from telling, and its owner buys all the same.
    compared = compare(max(shown, buyers[SHOWN]), max(held, buyers[HELD]), buyers[SHOWN], buyers[HELD])
    spent, else_spent = (sum(order.amount for order in paid[arm]) for arm in (SHOWN, HELD))
    chosen = sum(order.is_from_list for order in paid[SHOWN])
    return Result(compared, spent, else_spent, chosen, both + len(torn))


def _keep(db: Session, shop_id: int, test: Test, cause: str) -> Test:
    assert test.since is not None
    told = {"number": test.number, "runs": test.runs, "since": test.since.isoformat()}
    feeds.done(db, shop_id, FEED, told=told)
    jobs.ask(db, shop_id, "holdout", cause)
    return test


def _met(db: Session, shop_id: int, number: int) -> tuple[int, int, int]:
    """How many visitors met lists and saw them, met them hidden, and were in both groups, who are left out."""
    wanted = View.shop_id == shop_id, View.kind == ViewKind.MET, View.test == number, View.arm.in_((SHOWN, HELD))
    arms: defaultdict[int, set[str]] = defaultdict(set)
    for visitor, arm in db.execute(select(View.visitor, View.arm).where(*wanted).distinct()):
        arms[visitor].add(str(arm))
    found = list(arms.values())
    return found.count({SHOWN}), found.count({HELD}), found.count({SHOWN, HELD})


@dataclass
class _Order:
    """An order with lines of the test. buyer: the customer's pseudonym; a guest is a buyer of one order."""

    buyer: str
    amount: float
    arms: set[str]
    is_from_list: bool = False


def _orders(db: Session, shop_id: int, number: int) -> list[_Order]:
    """What was bought in the test, as webhooks say; no test orders or cancelled ones, nothing that was given back."""
    told = (
        select(Order.order_id, Order.pseudonym, Order.total_amount, OrderLine.test_arm, OrderLine.beside_id)
        .join(OrderLine, SAME_ORDER)
        .where(Order.shop_id == shop_id, *IS_SALE)
        .where(OrderLine.test_arm.in_((f"{number}{SHOWN}", f"{number}{HELD}")), OrderLine.units > 0)
    )
    found: dict[int, _Order] = {}
    for order_id, pseudonym, amount, test_arm, beside_id in db.execute(told):
        order = found.setdefault(order_id, _Order(pseudonym or f"guest of {order_id}", float(amount), set()))
        order.arms.add(str(test_arm)[-1])
        order.is_from_list |= beside_id is not None
    return list(found.values())
