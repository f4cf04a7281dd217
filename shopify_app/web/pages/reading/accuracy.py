"""How forecasts fared, as merchants read it: a share, over a stated span, beside what a naive guess would have got."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app.lifecycle import accuracy
from shopify_app.lifecycle.tallies import SERVED
from shopify_app.tables import Evaluation, Task, Version
from shopify_app.web.charts import Night
from shopify_app.web.pages.reading.standing import Standing

WEEKS = 4
LOOK_BACK = 42
"""Days among which these weeks are looked for."""
NIGHTS = 90


@dataclass(frozen=True)
class Fared:
    """Accuracy over whole weeks that follow each other. `baseline` repeats each product's week before."""

    accuracy: float
    baseline: float | None
    bias: float
    coverage: float | None
    orders: int
    days: int
    until_on: date
    is_recent: bool
    """The weeks follow each other without a gap, up to the last complete day."""


def fared(db: Session, at: Standing, level: str) -> Fared | None:
    """The last four weeks (or as many as there are) of what the merchant saw; None before the first is complete.

    Weekly errors and weekly sales are added up before dividing, so a quiet week does not count like a busy one.
    """
    weeks = _weeks(db, at, level)
    sold = sum(week.actual_units for week in weeks)
    if not weeks or sold <= 0:
        return None
    known = [week for week in weeks if week.baseline_accuracy is not None]
    inside = [week.coverage for week in weeks if week.coverage is not None]
    oldest = at.closed_on - timedelta(days=7 * (len(weeks) - 1))
    return Fared(
        accuracy=sum((week.accuracy or 0) * week.actual_units for week in weeks) / sold,
        baseline=_mean_by_units([(week.baseline_accuracy or 0, week.actual_units) for week in known]),
        bias=sum(week.forecast_units for week in weeks) / sold - 1,
        coverage=sum(inside) / len(inside) if inside else None,
        orders=sum(week.orders for week in weeks),
        days=7 * len(weeks),
        until_on=weeks[0].evaluated_on,
        is_recent=weeks[-1].evaluated_on == oldest,
    )


def nights(db: Session, at: Standing, level: str = "product_week") -> list[Night]:
    """Accuracy of the week up to each evening, oldest first."""
    rows = db.scalars(
        select(Evaluation)
        .where(
            Evaluation.shop_id == at.shop_id,
            Evaluation.task == Task.FORECAST,
            Evaluation.version_id == SERVED,
            Evaluation.level == level,
        )
        .order_by(Evaluation.evaluated_on.desc())
        .limit(NIGHTS)
    ).all()
    return [Night(row.evaluated_on, row.accuracy, row.baseline_accuracy) for row in reversed(rows)]


def target(at: Standing, champion: Version | None) -> float | None:
    """Below this the app speaks up."""
    return accuracy.target(champion, at.policy.target) if champion else None


def _weeks(db: Session, at: Standing, level: str) -> list[Evaluation]:
    """Evaluated weeks that do not overlap, newest first. An evening without one is bridged by the one before it."""
    rows = db.scalars(
        select(Evaluation)
        .where(
            Evaluation.shop_id == at.shop_id,
            Evaluation.version_id == SERVED,
            Evaluation.task == Task.FORECAST,
            Evaluation.level == level,
            Evaluation.accuracy.is_not(None),
            Evaluation.evaluated_on > at.closed_on - timedelta(days=LOOK_BACK),
        )
        .order_by(Evaluation.evaluated_on.desc())
    )
    weeks: list[Evaluation] = []
    for row in rows:
        if not weeks or row.evaluated_on <= weeks[-1].evaluated_on - timedelta(days=7):
            weeks.append(row)
    return weeks[:WEEKS]


def _mean_by_units(pairs: list[tuple[float, float]]) -> float | None:
    units = sum(weight for _, weight in pairs)
    return sum(value * weight for value, weight in pairs) / units if units else None
