"""The heartbeat: ring for rows that wait, open new days, act on alerts nobody acted on, keep tokens alive."""

import shutil
import time
from datetime import timedelta

from sqlalchemy import select

from shopify_app import access, clock
from shopify_app.errors import Conflict, ForetallyError
from shopify_app.lifecycle import alerts, registry
from shopify_app.log import log
from shopify_app.nudge import nudge
from shopify_app.records import canary, ingest
from shopify_app.tables import Alert, AlertState, Shop, ShopState, Token, Version
from workers.context import Context

KEEP_ALIVE = timedelta(days=30)
"""A refresh token with less life than this is renewed, so that a quiet shop never has to open the app again."""
SCRATCH_SECONDS = 24 * 3600.0


def tick(context: Context) -> None:
    """One heartbeat. Every part is safe to repeat, and one that fails does not stop the others."""
    for part in (_sing, _open_days, _overdue, _keep_tokens, _sweep_scratch):
        try:
            part(context)
        except Exception:
            log.exception("housekeeping failed", part=part.__name__)
    for name in ("ingest", "work", "train", "deliver"):
        nudge(name)


def _sing(context: Context) -> None:
    """A worker that lives says so, end to end: `/readyz` listens."""
    with context.database.transaction() as db:
        canary.sing(db)


def _open_days(context: Context) -> None:
    """In production a new day begins by the clock on the wall of the shop, orders or none."""
    if context.settings.business_clock != "wall":
        return
    with context.database.transaction() as db:
        for shop in db.scalars(select(Shop).where(Shop.state == ShopState.INSTALLED)):
            ingest.open_day(db, shop, clock.day_in(clock.now(), shop.time_zone))


def _overdue(context: Context) -> None:
    """No workflow acted before the shop's deadline: do what it would have done."""
    due = select(Alert.id, Alert.shop_id).where(Alert.state == AlertState.OPEN, Alert.act_by <= clock.now())
    with context.database.reading() as db:
        waiting = db.execute(due).all()
    for alert_id, shop_id in waiting:
        with context.database.transaction() as db:
            shop, alert = db.get_one(Shop, shop_id), db.get_one(Alert, alert_id)
            _act(db, shop, alert)


def _act(db, shop: Shop, alert: Alert) -> None:  # type: ignore[no-untyped-def]
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
    except Conflict as refused:
        alerts.resolve(db, shop, about, str(refused))
    else:
        alerts.resolve(db, shop, about, "rolled back by the app after the deadline")


def _keep_tokens(context: Context) -> None:
    soon = clock.now() + KEEP_ALIVE
    stale = select(Shop).join(Token).where(Shop.state == ShopState.INSTALLED, Token.refresh_expires_at < soon)
    with context.database.reading() as db:
        quiet = list(db.scalars(stale))
    for shop in quiet:
        try:
            access.renew(context.database, context.settings, shop, context.session)
        except ForetallyError as error:
            log.warning("token not renewed", shop=shop.domain, error=str(error)[:200])


def _sweep_scratch(context: Context) -> None:
    """What a killed worker left half-made."""
    for folder in (context.settings.var / "scratch").glob("*"):
        if time.time() - folder.stat().st_mtime > SCRATCH_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
