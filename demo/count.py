"""Count what a story has done, from the app's rows and from what the shop really shows."""

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import func, select

from demo.book import Book
from demo.family import Family
from demo.watch import Watch
from shopify_app import access
from shopify_app.errors import Throttled
from shopify_app.lifecycle.registry import MACHINE
from shopify_app.lifecycle.tallies import SERVED
from shopify_app.platform import http, metafields
from shopify_app.platform.admin_api import AdminApi
from shopify_app.tables import (
    Alert,
    Effect,
    Evaluation,
    Exposure,
    FlowRun,
    Job,
    Order,
    PublishedList,
    Task,
    Transition,
    Version,
    WorkState,
)

Answer = TypeVar("Answer")


def everything(family: Family, watch: Watch, book: Book) -> None:
    """Fill the book, then hold each link of the chain against it."""
    book.figures |= _orders(watch, book) | _retrains(watch) | _flow(watch) | _shadow(watch)
    book.figures["versions"] = {task.value: len(watch.rows(Version, Version.task == task)) for task in Task}
    book.figures["promotions"] = len(promotions(watch))
    book.figures["lists_published"] = _lists(family, watch)
    _judge(book)


def served_accuracy(watch: Watch, evaluated_on: date | None = None) -> float | None:
    """What the merchant saw: accuracy per product over seven days of forecasts made the evening before."""
    rows = watch.rows(Evaluation, Evaluation.version_id == SERVED, Evaluation.level == "product_recent")
    if evaluated_on is not None:
        rows = [row for row in rows if row.evaluated_on <= evaluated_on]
    newest = max(rows, key=lambda row: row.evaluated_on, default=None)
    return round(newest.accuracy, 4) if newest and newest.accuracy is not None else None


def promotions(watch: Watch) -> list[Transition]:
    """Shadows that the app itself has put in charge."""
    found = watch.rows(Transition, Transition.kind == "promotion", Transition.actor == MACHINE)
    return [row for row in found if row.from_id]


def retrains_by_orders(watch: Watch) -> list[Job]:
    """Retrains that a number of new orders has started."""
    done = [job for job in watch.rows(Job, Job.kind == "retrain") if job.result and "skipped" not in job.result]
    return [job for job in done if any("orders" in cause for cause in job.causes)]


def trading_days(watch: Watch, began: date, alert: Alert) -> int:
    """Days with orders, from the first the version answered for to the one that gave it away."""
    with watch.database.reading() as db:
        span = Order.shop_id == alert.shop_id, Order.created_on >= began, Order.created_on < alert.raised_on
        return db.scalar(select(func.count(func.distinct(Order.created_on))).where(*span)) or 0


def _orders(watch: Watch, book: Book) -> dict[str, Any]:
    shop = watch.shop()
    live = watch.count(Order, Order.shop_id == (shop.id if shop else 0), Order.is_backfilled.is_(False))
    return {"orders_stored": live, "duplicates_applied": live - book.figures["orders_sent"]}


def _retrains(watch: Watch) -> dict[str, Any]:
    done = [job for job in watch.rows(Job, Job.kind == "retrain") if job.result and "skipped" not in job.result]
    return {
        "retrains": [{"causes": job.causes, "made": job.result} for job in done],
        "retrains_by_orders": len(retrains_by_orders(watch)),
    }


def _flow(watch: Watch) -> dict[str, Any]:
    sent = watch.rows(Effect, Effect.kind == "flow_trigger", Effect.state == WorkState.DONE)
    return {
        "flow_trigger_sent": len(sent),
        "flow_action_received": len(watch.rows(FlowRun, FlowRun.handle == "roll-back-model")),
    }


def _shadow(watch: Watch) -> dict[str, Any]:
    """The share of answers that had a shadow, among those given while one was there."""
    spans = _shadow_spans(watch)
    answers = watch.rows(Exposure)
    could = [row for row in answers if any(since <= row.answered_at < until for since, until in spans)]
    shadowed = [row for row in could if row.shadow_id]
    return {
        "answers": len(answers),
        "answers_with_a_shadow_there": len(could),
        "shadow_answers": len(shadowed),
        "shadow_share": round(len(shadowed) / max(len(could), 1), 4),
    }


def _shadow_spans(watch: Watch) -> list[tuple[datetime, datetime]]:
    spans: list[tuple[datetime, datetime]] = []
    since: datetime | None = None
    for change in watch.rows(Transition, Transition.task == Task.RECOMMEND):
        if change.kind == "shadow":
            since = since or change.created_at
        elif since is not None and change.kind in ("shadow_ended", "promotion"):
            spans.append((since, change.created_at))
            since = None
    return spans if since is None else [*spans, (since, since + timedelta(days=1))]


def _lists(family: Family, watch: Watch) -> dict[str, Any]:
    """Lists as the app noted them, held against what the shop's metafields say."""
    with watch.database.reading() as db:
        noted = {row.product_id: list(row.neighbours) for row in db.scalars(select(PublishedList))}
    settings, shop = family.settings(), watch.shop()
    if shop is None:
        return {"lists": 0, "match": False}
    session = http.session(settings.dev_shopify_url)
    token = access.token_for(watch.database, settings, shop, session)
    shown = _patiently(lambda: metafields.published(AdminApi(shop.domain, token, session), noted))
    there = {product: list(found.neighbour_ids) for product, found in shown.items() if found}
    return {"lists": len(noted), "match": bool(noted) and there == noted}


def _patiently(ask: Callable[[], Answer]) -> Answer:
    """What it answers, once the shop's bucket holds enough: the app may just have written thousands of lists."""
    while True:
        try:
            return ask()
        except Throttled as busy:
            time.sleep(busy.wait + 1)


def _judge(book: Book) -> None:
    told = book.figures
    before, at, after = (told.get(f"accuracy_{when}") for when in ("before_sabotage", "at_alert", "after_rollback"))
    lost_and_won = before is not None and at is not None and after is not None and at < min(before, after)
    for held, link in (
        (told["orders_sent"] == told["orders_stored"] > 0, "every order sent is stored, once"),
        (told["failed"] == 0, "no delivery given up"),
        (told["duplicates_sent"] > 0 and told["out_of_order"] > 0, "duplicates and disorder"),
        (told["retrains_by_orders"] >= 2, "two retrains by new orders"),
        (told["promotions"] >= 1, "a promotion"),
        (told["shadow_answers"] > 0, "shadow answers"),
        (told["flow_trigger_sent"] >= len(Task), "a Flow trigger for each alert"),
        (told["flow_action_received"] >= len(Task), "a Flow action for each trigger"),
        ((told.get("alert_business_days") or 99) <= 5, "an alert within five business days"),
        ((told.get("rollback_seconds") or 99.0) < 1, "a rollback within a second"),
        (told["lists_published"]["match"], "the restored lists in the shop"),
        (lost_and_won, "accuracy lost and won back"),
    ):
        book.need(held, link)
