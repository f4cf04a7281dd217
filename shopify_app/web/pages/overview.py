"""GET /: is it working, and what now?"""

from typing import Any

from sqlalchemy.orm import Session

from shopify_app.lifecycle import forecasts
from shopify_app.tables import Shop, Task
from shopify_app.web import charts
from shopify_app.web.charts import Picture
from shopify_app.web.pages import bp, room
from shopify_app.web.pages.reading import accuracy, happenings, history, products, reorder, standing, tasks, versions
from shopify_app.web.pages.reading.products import Outlook
from shopify_app.web.pages.reading.standing import Standing


@bp.get("/")
def overview() -> tuple[str, int]:
    """The shop at a glance, or how far its setup is."""
    with room.database().reading() as db:
        at = room.here(db)
        if not at.is_ready:
            return room.page("overview", at, steps=standing.steps(db, at))
        nights = accuracy.nights(db, at)
        wanted = accuracy.target(at, versions.champion(db, at, Task.FORECAST))
        is_large = reorder.is_large(db, at)
        return room.page(
            "overview",
            at,
            week=windows(db, at).get(7),
            order=None if is_large else _to_order(db, at),
            is_large=is_large,
            fared=accuracy.fared(db, at, "product_week"),
            forecast=tasks.task_view(db, at, Task.FORECAST),
            orders_since=_orders_since(room.shop(db)),
            **sales_chart(db, at, history.shop_days(db, at)),
            nights=nights,
            nights_picture=_nights_picture(db, at, nights, wanted),
            target=wanted,
            happenings=happenings.latest(db, at),
        )


def windows(db: Session, at: Standing) -> dict[int, Outlook]:
    """The shop's total for the next 7 and 28 days."""
    run = forecasts.served(db, at.shop_id, at.today_on)
    if run is None:
        return {}
    return products.outlook(room.objects(), run, forecasts.TOTAL).get(forecasts.TOTAL, {})


def _to_order(db: Session, at: Standing) -> reorder.Summary | None:
    """What the Reorder page counts; None where it hides its quantities."""
    found = None if at.is_stale else reorder.advice(db, room.objects(), at)
    if found is None or reorder.freshness(found).is_hidden:
        return None
    return reorder.summary(found, None)


def sales_chart(db: Session, at: Standing, days: list[charts.Day]) -> dict[str, Any]:
    """The chart of units, with the days another version took over, as the templates want it."""
    if not days:
        return {"days": [], "picture": None, "data": None}
    marks = history.marks(db, at, Task.FORECAST, days[0].on)
    picture = charts.forecast(days, marks, name="sales", title="Units per day", told=history.span(days))
    return {"days": days, "picture": picture, "data": charts.numbers(days, marks)}


def _nights_picture(db: Session, at: Standing, nights: list[charts.Night], wanted: float | None) -> Picture | None:
    if not any(night.accuracy is not None for night in nights):
        return None
    marks = history.marks(db, at, Task.FORECAST, nights[0].on)
    told = _told(nights)
    return charts.accuracy(nights, wanted, marks, name="nights", title="Accuracy of the week up to each day", told=told)


def _told(nights: list[charts.Night]) -> str:
    known = [night.accuracy for night in nights if night.accuracy is not None]
    return f"From {min(known):.0%} to {max(known):.0%} over {len(known)} evenings, {known[-1]:.0%} on the last."


def _orders_since(shop: Shop) -> int:
    return max(shop.orders_counted - shop.orders_at_retrain, 0)
