"""The test of lists against none, in plain words."""

from dataclasses import dataclass
from datetime import datetime
from math import isinf

from sqlalchemy.orm import Session

from shopify_app.lifecycle import holdout
from shopify_app.lifecycle.holdout import Compared, Result, Said
from shopify_app.platform import pixels
from shopify_app.records import shops
from shopify_app.web.pages.reading.standing import Standing
from shopify_app.web.pages.words import money, percent, plural

TONES = {
    Said.MORE: "success",
    Said.FEWER: "critical",
    Said.UNEQUAL: "warning",
    Said.EARLY: "neutral",
    Said.OPEN: "info",
}
BADGES = {
    Said.MORE: "Lists sell more",
    Said.FEWER: "Lists sell less",
    Said.UNEQUAL: "Not to be trusted",
    Said.EARLY: "Too early",
    Said.OPEN: "Not decided yet",
}


@dataclass(frozen=True)
class Told:
    """How a test stands, in words."""

    badge: str
    tone: str
    verdict: str
    figures: tuple[str, ...]


@dataclass(frozen=True)
class View:
    """What the page shows of tests. `told` is None before there was one."""

    number: int
    runs: bool
    since: datetime | None
    can_run: bool
    """The shop granted what the pixel needs."""
    told: Told | None


def view(db: Session, at: Standing) -> View:
    """The shop's newest test and what it says."""
    test, shop = holdout.of(db, at.shop_id), shops.get(db, at.shop_id)
    told = tell(holdout.result(db, at.shop_id, test.number), shop.currency) if test.number else None
    return View(test.number, test.runs, test.since, set(shop.scopes.split(",")) >= pixels.SCOPES, told)


def tell(result: Result, currency: str) -> Told:
    """A result in sentences that promise nothing the figures do not hold."""
    seen = result.compared
    figures = [
        f"{plural(seen.shown, 'visitor')} met lists and saw them, {seen.held:,} met them hidden.",
        f"{seen.shown_buyers:,} and {seen.held_buyers:,} of them bought afterwards, for "
        f"{money(result.shown_amount, currency)} and {money(result.held_amount, currency)} {currency}.",
    ]
    if result.chosen_orders:
        figures.append(
            f"{plural(result.chosen_orders, 'order')} held a product that was put into the cart from a list."
        )
    if result.both_groups:
        figures.append(f"Seen in both groups, so counted in neither: {plural(result.both_groups, 'visitor')}.")
    return Told(BADGES[seen.said], TONES[seen.said], _verdict(seen), tuple(figures))


def _verdict(seen: Compared) -> str:
    if seen.said is Said.UNEQUAL:
        return (
            f"The groups should be equally large, but are {seen.shown:,} and {seen.held:,}: chance alone hardly does "
            "that. Something keeps one of them from being counted, so nothing can be read from this test."
        )
    if seen.said is Said.EARLY or seen.low is None or seen.high is None:
        return "Figures are told from 20 buyers on."
    so_far = f"{_more(seen.lift)} visitors bought" if seen.lift is not None else "only those bought"
    if seen.said is Said.OPEN:
        return f"With lists, {so_far} so far. The truth may lie anywhere from {_more(seen.low)} to {_more(seen.high)}."
    bound = f"at least {_more(seen.low)}" if seen.said is Said.MORE else f"at least {_more(seen.high)}"
    return f"With lists, {so_far} so far, and it is {bound} beyond reasonable doubt."


def _more(lift: float) -> str:
    """12 % more, 5 % fewer."""
    if isinf(lift):
        return "any number more"
    return f"{percent(abs(lift))} {'more' if lift >= 0 else 'fewer'}"
