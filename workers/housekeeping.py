"""The heartbeat: ring for rows that wait, open new days, act on alerts nobody acted on, keep tokens alive."""

import shutil
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app import access, clock
from shopify_app.batches import batches
from shopify_app.config import secret_name
from shopify_app.errors import Conflict, ForetallyError, Overtaken
from shopify_app.lifecycle import alerts, letting_go, registry
from shopify_app.log import log
from shopify_app.nudge import nudge
from shopify_app.records import (
    archive,
    canary,
    feeds,
    ingest,
    jobs,
    retention,
    scrubbing,
    sealed_files,
    silence,
    tokens,
    turns,
)
from shopify_app.records.feeds import Due
from shopify_app.tables import Alert, AlertState, Shop, ShopState, Slot, SlotState, Turn, Version
from workers.context import Context

KEEP_ALIVE = timedelta(days=30)
"""A refresh token with less life than this is renewed, so that a quiet shop never has to open the app again."""
RENEWALS = 10
"""How many at one heartbeat: the desk has other work. That is 7,200 shops in an hour."""
SCRATCH_SECONDS = 24 * 3600.0
A_DAY = timedelta(hours=24)
COLLECTING = ("collect", "everything")
RETIRING = "retire"
RETIRED, MOST_ROWS = 20, 10_000
"""Of how many shops, and how many, old rows go at one heartbeat: the desk has other work. 7 million in an hour."""
TOGETHER = 100
"""Shops of one transaction at midnight: webhooks wait for it on SQLite."""
_last_try = time.monotonic()
"""When this worker last began a heartbeat, or came. Its clock stands still while the machine sleeps."""


def tick(context: Context) -> None:
    """One heartbeat. Every part is safe to repeat, and one that fails does not stop the others."""
    for part in (
        _notice_absence,
        _touch_canary,
        _notice_silence,
        _ask_feeds,
        _open_days,
        _overdue,
        _keep_tokens,
        _scrub,
        _sweep_scratch,
        _retire_rows,
        _ring_collector,
    ):
        try:
            part(context)
        except Exception:
            log.exception("housekeeping failed", part=part.__name__)
    for name in ("ingest", "work", "train", "deliver"):
        nudge(name)


def _notice_absence(context: Context) -> None:
    """Nobody was here to take deliveries: look for what was missed. Has to come before this heartbeat is noted.

    A heartbeat that could not be noted was a try: while the database is away, so are we.
    """
    global _last_try
    busy, _last_try = timedelta(seconds=time.monotonic() - _last_try), time.monotonic()
    _ask(context, partial(silence.after_absence, busy=busy))


def _notice_silence(context: Context) -> None:
    """A shop that is unusually silent may have lost its subscriptions."""
    with context.database.transaction() as db:
        some = silence.turn(db, clock.now())
    if some:
        _ask(context, partial(silence.unusual, among=some))


def _ask_feeds(context: Context) -> None:
    """The catalogue every four hours, the orders every day."""
    _ask(context, feeds.due)


def _ask(context: Context, look: Callable[[Session, datetime], list[Due]]) -> None:
    with context.database.reading() as db:
        found = look(db, clock.now())
    for one in found:
        with context.database.transaction() as db:
            if not jobs.is_open(db, one.shop_id, one.job, by=one.due_at or clock.now()):
                jobs.ask(db, one.shop_id, one.job, one.cause, due_at=one.due_at)


def _touch_canary(context: Context) -> None:
    """Show `/readyz` that a worker is alive, end to end."""
    with context.database.transaction() as db:
        canary.touch(db)


def _open_days(context: Context) -> None:
    """In production a new day begins by the clock on the wall of the shop, orders or none."""
    if context.settings.business_clock != "wall":
        return
    now = clock.now()
    for some in batches(_new_days(context, now), TOGETHER):
        with context.database.transaction() as db:
            for shop_id, today in some:
                ingest.open_day(db, db.get_one(Shop, shop_id), today)


def _new_days(context: Context, now: datetime) -> list[tuple[int, date]]:
    """Shops whose wall shows a day that is not open yet. Mostly none, so nothing is locked to find that out."""
    known = select(Shop.id, Shop.time_zone, Shop.business_on).where(Shop.state == ShopState.INSTALLED)
    with context.database.reading() as db:
        every = db.execute(known.order_by(Shop.id)).all()
    days = {time_zone: clock.day_in(now, time_zone) for time_zone in {shop.time_zone for shop in every}}
    return [
        (shop.id, days[shop.time_zone])
        for shop in every
        if shop.business_on is None or shop.business_on < days[shop.time_zone]
    ]


def _overdue(context: Context) -> None:
    """No workflow acted before the shop's deadline: do what it would have done, unless the slot is frozen."""
    same = (Slot.shop_id == Alert.shop_id) & (Slot.task == Alert.task)
    due = (
        select(Alert.id, Alert.shop_id)
        .join(Slot, same)
        .where(Alert.state == AlertState.OPEN, Alert.act_by <= clock.now(), Slot.state != SlotState.FROZEN)
    )
    with context.database.reading() as db:
        waiting = db.execute(due).all()
    for alert_id, shop_id in waiting:
        with context.database.transaction() as db:
            shop, alert = db.get_one(Shop, shop_id), db.get_one(Alert, alert_id)
            _act(db, shop, alert)


def _act(db: Session, shop: Shop, alert: Alert) -> None:
    about = db.get_one(Version, alert.version_id)
    try:
        registry.roll_back(
            db,
            shop,
            alert.task,
            actor=registry.MACHINE,
            reason=f"no workflow acted on alert {alert.id} before its deadline",
            expected_number=about.number,
            numbers=alert.numbers,
        )
    except Overtaken:
        log.info("the slot changed while an alert was acted on: looked at again with the next tick", alert=alert.id)
    except Conflict as refused:
        alerts.resolve(db, shop, about, str(refused))
    else:
        alerts.resolve(db, shop, about, "rolled back by the app after the deadline")


def _keep_tokens(context: Context) -> None:
    """Renew what would lapse, and after a rotation what was got with the client secret before: it dies with it."""
    with context.database.reading() as db:
        wanting = tokens.wanting(db, clock.now(), KEEP_ALIVE, secret_name(context.settings.api_secret), RENEWALS)
    for shop in wanting:
        try:
            access.renew(context.database, context.settings, shop, context.session)
        except ForetallyError as error:
            log.warning("token not renewed", shop=shop.domain, error=str(error)[:200])


def _scrub(context: Context) -> None:
    """What privacy requests deleted and somebody who read or wrote kept from being given back."""
    scrubbing.scrub(context.database, clock.now())


def _sweep_scratch(context: Context) -> None:
    """What a killed worker left half-made."""
    for folder in (context.settings.var / "scratch").glob("*"):
        if time.time() - folder.stat().st_mtime > SCRATCH_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _retire_rows(context: Context) -> None:
    """Each shop once a day, a few at a heartbeat; one that has more old rows goes on at the next."""
    now, left = clock.now(), MOST_ROWS
    turn = (Turn.queue == RETIRING) & (Turn.whose == Shop.domain)
    rested = Turn.served_at.is_(None) | (Turn.served_at <= now - A_DAY)
    waiting = select(Shop, Turn.served_at).outerjoin(Turn, turn).where(rested)
    with context.database.reading() as db:
        due = db.execute(waiting.order_by(Turn.served_at.is_not(None), Turn.served_at, Shop.id).limit(RETIRED)).all()
    for shop, last in due:
        left -= retention.retire_rows_of(context.database, shop, now, left)
        if left <= 0:
            return
        with context.database.transaction() as db:
            turns.take(db, RETIRING, shop.domain, last, now)


def _ring_collector(context: Context) -> None:
    """It looks at every file and every row that names one, so it is no work for the desk."""
    with context.database.reading() as db:
        last = turns.served_at(db, *COLLECTING)
    if last is None or clock.now() - last >= A_DAY:
        nudge("collect")


def collect(context: Context) -> None:
    """Once a day, by whoever is rung first: remove files nobody names, then let go of what nobody needs.

    In this order a file outlives its last name by a day, so that a backup of the database finds it in the object store.
    """
    now = clock.now()
    with context.database.transaction() as db:
        last = turns.served_at(db, *COLLECTING)
        if (last is not None and now - last < A_DAY) or not turns.take(db, *COLLECTING, last, now):
            return
    expired = archive.expire_all(context.database, now) + sealed_files.expire(context.database, now)
    try:
        swept = retention.sweep(context.database, context.objects, context.bundles.root, now)
    except Conflict as error:
        log.error("nothing was collected", why=str(error))
        return
    context.objects.tidy(now - 2 * A_DAY)
    retired = retention.retire_all(context.database, now)
    let_go = letting_go.let_go_all(context.database, now)
    log.info(
        "collected",
        objects=len(swept.removed),
        bundles=len(swept.bundles),
        snapshots=len(retired),
        versions=let_go,
        expired=expired,
    )
