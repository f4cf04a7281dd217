"""The night of a shop: forecast the days ahead, tally the day that closed, judge who is in charge."""

import shutil
from datetime import date
from typing import Any

from ml import train
from ml.dataset import Dataset, read_dataset
from ml.errors import MlError, NothingSold
from shopify_app.lifecycle import accuracy, challenge, findings, forecasts, registry, replenishing, retained, variants
from shopify_app.lifecycle.slots import peek, slot
from shopify_app.lifecycle.tallies import Evening
from shopify_app.log import log
from shopify_app.nudge import nudge
from shopify_app.records import jobs
from shopify_app.tables import Job, Shop, Snapshot, Task, Version
from workers import deliver, refresh
from workers.context import Context
from workers.dataset import closed_on, frozen
from workers.retrain import BY_DAY, alarm


def run(context: Context, shop: Shop, job: Job) -> dict[str, Any]:
    """Everything that follows from a complete business day. Repeating it changes nothing.

    A version that cannot forecast keeps nobody from being judged: its error is raised when all else is done.
    """
    day = closed_on(shop)
    with context.database.transaction() as db:
        jobs.ask(db, shop.id, "publish", "the day's products")
    nudge("work")
    variants.weigh(context.database, shop.id, day)
    refreshed, broken = _refresh(context, shop, day)
    counts = refresh.check(context, shop, day)
    raised = _judge(context, shop, day)
    if raised:
        deliver.drain(context)
    _replay(context, shop, day)
    with context.database.transaction() as db:
        promoted = [task for task in Task if challenge.decide(db, db.get_one(Shop, shop.id), task) == "pass"]
        jobs.ask(db, shop.id, "retrain", BY_DAY)
    if broken:
        raise broken[0]
    return {"day": day.isoformat(), "forecast_by": refreshed, "counts": counts, "alerts": raised, "promoted": promoted}


def _refresh(context: Context, shop: Shop, day: date) -> tuple[list[int], list[MlError]]:
    """Forecasts from this evening by the version in charge, the one before it and the shadow; who spoke, what failed.

    Where nothing was sold for half a year, nobody speaks, and nothing is wrong.
    """
    with context.database.reading() as db:
        seen = peek(db, shop.id, Task.FORECAST)
        keys = (seen.champion_id, seen.previous_id, seen.shadow_id) if seen else ()
        speaking = [v for v in (registry.by_id(db, shop.id, key) for key in keys) if v is not None]
        silent = [v for v in speaking if not _spoke(forecasts.newest(db, shop.id, v.id), day)]
    spoke, broken = list[int](), list[MlError]()
    if silent:
        with frozen(context, shop, day) as (snapshot, dataset):
            opened = read_dataset(dataset)
            for version in silent:
                try:
                    _forecast(context, shop, version, snapshot, opened)
                    spoke.append(version.number)
                except NothingSold as quiet:
                    log.info("nothing to forecast", shop=shop.domain, version=version.number, why=str(quiet))
                except MlError as wrong:
                    log.warning("no forecast", shop=shop.domain, version=version.number, why=str(wrong))
                    broken.append(wrong)
    return spoke, broken


def _spoke(run: Any, day: date) -> bool:
    return run is not None and run.origin_on >= day


def _forecast(context: Context, shop: Shop, version: Version, snapshot: Snapshot, dataset: Dataset) -> None:
    folder = context.scratch(f"forecast-{shop.id}")
    try:
        train.predict(context.bundles.folder(version.bundle), dataset, folder)
        said = forecasts.put(context.objects, folder)
        with context.database.transaction() as db:
            in_charge = slot(db, shop.id, Task.FORECAST).champion_id == version.id
            forecasts.keep(db, version, snapshot.id, said, was_champion=in_charge)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _replay(context: Context, shop: Shop, day: date) -> None:
    """Once a week: how reorder advice would have done. Computed before the transaction, so that nobody waits for it."""
    with context.database.reading() as db:
        tallied = replenishing.tally(db, context.objects, db.get_one(Shop, shop.id), day)
    if tallied is not None:
        with context.database.transaction() as db:
            replenishing.keep(db, shop.id, tallied)
        log.info(
            "reorder advice replayed", shop=shop.domain, orders=tallied.orders, kept=tallied.kept, tails=tallied.tails
        )


def _judge(context: Context, shop: Shop, day: date) -> list[str]:
    """The alerts of the evening. Worked out before the transaction that writes them, so that nobody waits for it."""
    with context.database.reading() as db:
        current = db.get_one(Shop, shop.id)
        of_forecasts = accuracy.evening(Evening(db, context.objects, current, day))
        of_lists = retained.evening(db, context.bundles, current, day)
    with context.database.transaction() as db:
        current = db.get_one(Shop, shop.id)
        raised = [accuracy.settle(db, current, of_forecasts)]
        raised += [findings.settle(db, current, of_lists)] if of_lists is not None else []
        alerts = [alert for alert in raised if alert is not None]
        for alert in alerts:
            jobs.ask(db, shop.id, "retrain", alarm(Task(alert.task)))
            log.warning("alert raised", shop=shop.domain, task=alert.task, kind=alert.kind, message=alert.message)
        return [f"{alert.task}: {alert.kind}" for alert in alerts]
