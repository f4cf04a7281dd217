"""Decide, on the evening of a complete day, whether the forecast in charge is still fit: nothing, warn, or act."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ml import compare
from ml.tallies import RunningErrors, running_errors
from shopify_app.lifecycle import alerts, findings, forecasts, registry
from shopify_app.lifecycle.findings import Findings, Worse
from shopify_app.lifecycle.slots import peek
from shopify_app.lifecycle.tallies import SERVED, Evening, tally, tally_again
from shopify_app.policy import Policy
from shopify_app.tables import Alert, Evaluation, Shop, Slot, Task, Version

LONGEST = 14
"""Days in charge that are compared at the most: what lies further back says little about now."""
CHANCE = 2.0
"""Standard deviations of single weeks that are no reason for a warning: with 30 sales a week, a perfect forecast was
below 92 % of its own validation for three nights 19 times a year, and is below this 4 times."""


def evening(opened: Evening) -> Findings:
    """Tally everyone who spoke of the day, and compare the champion with the version before it. Reads only."""
    db, shop = opened.db, opened.shop
    seen = peek(db, shop.id, Task.FORECAST)
    rows = tally(opened, SERVED, "served") + tally_again(opened)
    if seen is None:
        return Findings(Task.FORECAST, opened.closed_on, None, rows)
    keys = {"champion": seen.champion_id, "previous": seen.previous_id, "shadow": seen.shadow_id}
    for role, version_id in keys.items():
        rows += tally(opened, version_id, role) if version_id is not None else []
    champion, previous = (registry.by_id(db, shop.id, key) for key in (seen.champion_id, seen.previous_id))
    worse = _compared(opened, seen, champion, previous) if champion and previous else None
    return Findings(Task.FORECAST, opened.closed_on, seen.champion_id, rows, worse)


def settle(db: Session, shop: Shop, found: Findings) -> Alert | None:
    """Write down what the evening found: an alert asks for a rollback, else warns of many nights below target."""
    raised = findings.settle(db, shop, found)
    champion = registry.champion(db, shop.id, Task.FORECAST)
    if raised is not None or champion is None:
        return raised
    return _warn(db, shop, champion, found.closed_on)


def target(champion: Version, share: float) -> float | None:
    """Accuracy per product and week below which a warning is due; None for a version that was not validated.

    The shop's share of what the version in charge was validated at, or less where single weeks differ by more.
    """
    promised: float | None = (champion.metrics.get("product_week") or {}).get("accuracy")
    if promised is None or promised <= 0:
        return None
    return max(min(share * promised, promised - CHANCE * compare.spread_of_weeks(champion.metrics)), 0.0)


def _compared(opened: Evening, seen: Slot, champion: Version, previous: Version) -> Worse | None:
    """Whether the version before it does better on the very same days: a rollback would help, so ask for one.

    Those are days of which the champion spoke as such: put in charge by hand, its last run may be weeks old, and the
    merchant never saw it.
    """
    if seen.in_charge_since_on is None:
        return None
    spoke_on = forecasts.first_since(
        opened.db, opened.shop.id, champion.id, seen.in_charge_since_on - timedelta(days=1)
    )
    if spoke_on is None or spoke_on >= opened.closed_on:  # it has said nothing yet, or took over before a late night
        return None
    first = max(spoke_on + timedelta(days=1), opened.closed_on - timedelta(days=LONGEST - 1))
    mine, theirs = (_errors(opened, version, first) for version in (champion, previous))
    if mine is None or theirs is None:
        return None
    found = compare.worse(mine, theirs)
    if not found.is_worse:
        return None
    error, previous_error = float(mine.error[-1]), float(theirs.error[-1])
    numbers = {
        "accuracy": 1 - error,
        "target": 1 - previous_error,
        "days": len(mine.error),
        "bias": float(mine.bias[-1]),
        "previous_bias": float(theirs.bias[-1]),
        "rule": found.rule,
        "told": found.told,
    }
    message = (
        f"Forecast version {champion.number} is wrong by {error:.0%} of the units sold since {first:%d %b}; "
        f"version {previous.number} would have been wrong by {previous_error:.0%}."
    )
    return Worse(message, numbers)


def _errors(opened: Evening, version: Version, first: date) -> RunningErrors | None:
    """Errors after each trading day in charge, on sums per product from the first day on. None where a run is missing.

    Days on which the whole shop sold nothing are left out: closed is nobody's mistake.
    """
    said = opened.said_the_evening_before(version.id, first, opened.closed_on)
    sold = opened.sold(first, opened.closed_on)
    if said is None or sold.empty:
        return None
    return running_errors(sold, said[said.ds.isin(set(sold.ds))])


def _warn(db: Session, shop: Shop, champion: Version, closed_on: date) -> Alert | None:
    """The merchant's accuracy has been below target for nights on end, though no older version does better.

    A night now and then may be missing, but nights from before a long silence say nothing about now.
    """
    policy = Policy.of(shop.settings)
    if _warned_lately(db, shop, policy.cooling_days):
        return None
    least = target(champion, policy.target)
    rows = db.scalars(
        select(Evaluation)
        .where(
            Evaluation.shop_id == shop.id,
            Evaluation.version_id == SERVED,
            Evaluation.level == "product_week",
            Evaluation.accuracy.is_not(None),
            Evaluation.evaluated_on > closed_on - timedelta(days=2 * policy.warn_nights),
        )
        .order_by(Evaluation.evaluated_on.desc())
        .limit(policy.warn_nights)
    ).all()
    if least is None or len(rows) < policy.warn_nights:
        return None
    if any(row.accuracy is None or row.accuracy >= least for row in rows):
        return None
    newest, promised = rows[0], champion.metrics["product_week"]["accuracy"]
    numbers: dict[str, Any] = {
        "accuracy": newest.accuracy,
        "target": least,
        "validated": promised,
        "nights": len(rows),
        "orders": newest.orders,
        "baseline": newest.baseline_accuracy,
    }
    message = (
        f"Forecasts per product and week reached {newest.accuracy:.0%} for {len(rows)} nights; "
        f"version {champion.number} was validated at {promised:.0%}. No older version does better."
    )
    return alerts.raise_alert(db, shop, champion, "warn", message, numbers)


def _warned_lately(db: Session, shop: Shop, days: int) -> bool:
    """A spell below target is one warning, however many versions it sees."""
    since = registry.today(shop) - timedelta(days=days)
    lately = Alert.shop_id == shop.id, Alert.task == Task.FORECAST, Alert.kind == "warn", Alert.raised_on > since
    return db.scalar(select(Alert.id).where(*lately).limit(1)) is not None
