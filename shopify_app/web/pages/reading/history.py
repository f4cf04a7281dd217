"""Days for the charts: what was sold, what had been forecast beforehand, and what is expected next."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app.lifecycle import forecasts, outcomes
from shopify_app.lifecycle.registry import MACHINE
from shopify_app.records.objects import Objects
from shopify_app.tables import ForecastRun, ForecastTotal, Task, Transition, Version
from shopify_app.web.charts import Day, Mark
from shopify_app.web.pages.reading.standing import Standing
from shopify_app.web.pages.reading.stored import columns

ROUTINE = 6
"""More changes of hands than this in one chart hide what matters."""
SHOWN = 56
"""Past days in a chart: eight weeks show the rhythm of a week and where it is going."""


def shop_days(db: Session, at: Standing) -> list[Day]:
    """The shop's total: the last eight weeks with the forecast of the evening before, and the days to come."""
    first = at.closed_on - timedelta(days=SHOWN - 1)
    sold = outcomes.total_by_day(db, at.shop_id, first, at.closed_on)
    run = forecasts.served(db, at.shop_id, at.today_on)
    ahead = {t.day_on: _quantities(t) for t in forecasts.totals(db, at.shop_id, run.id)} if run else {}
    return _days(at, first, sold, _evenings_before(db, at.shop_id, first, at.closed_on), ahead)


def product_days(db: Session, objects: Objects, at: Standing, product_id: int) -> list[Day]:
    """One product's days; what had been forecast comes from the run at the start of each week."""
    first = at.closed_on - timedelta(days=SHOWN - 1)
    sold = outcomes.product_by_day(db, at.shop_id, product_id, first, at.closed_on)
    said: dict[date, float] = {}
    for week in range(SHOWN // 7):
        start = first + timedelta(days=7 * week)
        run = forecasts.served(db, at.shop_id, start)
        known = _of_product(objects, run, product_id) if run else {}
        week_days = (start + timedelta(days=n) for n in range(7))
        said |= {day: known[day]["mean"] for day in week_days if day in known}
    newest = forecasts.served(db, at.shop_id, at.today_on)
    return _days(at, first, sold, said, _of_product(objects, newest, product_id) if newest else {})


def _of_product(objects: Objects, run: ForecastRun, product_id: int) -> dict[date, dict[str, float]]:
    names = ("ds", "mean", "p10", "p90")
    days, *quantities = columns(objects.path(run.days_sha256), names, series=str(product_id))
    return {day: dict(zip(names[1:], row, strict=True)) for day, *row in zip(days, *quantities, strict=True)}


def marks(db: Session, at: Standing, task: Task, since: date) -> list[Mark]:
    """Days on which another version took over; where that is routine, only those a person or an alert brought."""
    rows = db.execute(
        select(Transition, Version.number)
        .join(Version, Version.id == Transition.version_id)
        .where(
            Transition.shop_id == at.shop_id,
            Transition.task == task,
            Transition.kind.in_(("promotion", "rollback")),
            Transition.changed_on >= since,
        )
        .order_by(Transition.generation)
    ).all()
    return [
        Mark(line.changed_on, f"back to v{number}" if line.kind == "rollback" else f"v{number}", line.reason)
        for line, number in rows
        if len(rows) <= ROUTINE or line.kind == "rollback" or line.actor != MACHINE
    ]


def _evenings_before(db: Session, shop_id: int, first: date, last: date) -> dict[date, float]:
    """For each day, the total that the last run in charge before it had forecast."""
    rows = db.execute(
        select(ForecastTotal.day_on, ForecastRun.origin_on, ForecastRun.created_at, ForecastTotal.mean)
        .join(ForecastRun, (ForecastRun.shop_id == ForecastTotal.shop_id) & (ForecastRun.id == ForecastTotal.run_id))
        .where(
            ForecastTotal.shop_id == shop_id,
            ForecastRun.was_champion,
            ForecastTotal.day_on >= first,
            ForecastTotal.day_on <= last,
            ForecastRun.origin_on < ForecastTotal.day_on,
        )
        .order_by(ForecastRun.origin_on, ForecastRun.created_at)
    )
    return {day_on: mean for day_on, _, _, mean in rows}


def _days(
    at: Standing,
    first: date,
    sold: Mapping[date, float],
    said: Mapping[date, float],
    ahead: Mapping[date, Mapping[str, float]],
) -> list[Day]:
    """One entry per day. Before the first known sale nothing is drawn; after it, a day without one is zero."""
    began = min(sold, default=at.closed_on)
    past = [first + timedelta(days=n) for n in range((at.closed_on - first).days + 1)]
    known = [Day(day, sold.get(day, 0.0) if day >= began else None, said.get(day)) for day in past if day >= began]
    coming = [
        Day(day, expected=row["mean"], low=row["p10"], high=row["p90"])
        for day, row in sorted(ahead.items())
        if day > at.closed_on
    ]
    return [*known, *coming]


def _quantities(total: ForecastTotal) -> dict[str, float]:
    return {"mean": total.mean, "p10": total.p10, "p90": total.p90}


def span(days: Sequence[Day]) -> str:
    """The chart in one sentence, for those who cannot see it."""
    sold = [day for day in days if day.actual is not None]
    ahead = [day for day in days if day.expected is not None]
    parts = []
    if sold:
        total = sum(day.actual or 0 for day in sold)
        parts.append(f"{total:,.0f} units sold from {sold[0].on:%d %b %Y} to {sold[-1].on:%d %b %Y}.")
    if ahead:
        total = sum(day.expected or 0 for day in ahead)
        parts.append(f"{total:,.0f} expected from {ahead[0].on:%d %b %Y} to {ahead[-1].on:%d %b %Y}.")
    return " ".join(parts)
