"""Deliver effects to Shopify: today, alerts as Flow triggers."""

from datetime import timedelta

from shopify_app.errors import ForetallyError, ShopifyUnavailable, Throttled
from shopify_app.log import log
from shopify_app.platform import flow
from shopify_app.records import outbox, shops
from shopify_app.records.leases import LostLease
from shopify_app.tables import Effect
from workers.context import Context

LEASE = timedelta(seconds=60)
KINDS = ("flow_trigger",)


def drain(context: Context) -> int:
    """Deliver everything due. Returns how many effects were tried."""
    tried = 0
    while (effect := _claim(context)) is not None:
        try:
            _deliver(context, effect)
        except LostLease:
            log.warning("another worker took over", effect=effect.id, kind=effect.kind)
        tried += 1
    return tried


def _claim(context: Context) -> Effect | None:
    with context.database.transaction() as db:
        return outbox.claim(db, KINDS, lease=LEASE)


def _deliver(context: Context, effect: Effect) -> None:
    with context.database.reading() as db:
        shop = shops.get(db, effect.shop_id)
    try:
        flow.send_trigger(context.api(shop), effect.payload["handle"], effect.payload["payload"])
    except Throttled as busy:
        with context.database.transaction() as db:
            outbox.postpone(db, effect, retry_in=timedelta(seconds=busy.wait))
    except ShopifyUnavailable as down:
        log.warning("effect not delivered yet", effect=effect.id, kind=effect.kind, error=str(down)[:200])
        with context.database.transaction() as db:
            outbox.wait_for_outside(db, effect, str(down))
    except ForetallyError as error:
        log.warning("effect not delivered yet", effect=effect.id, kind=effect.kind, error=str(error)[:200])
        _later(context, effect, str(error), timedelta(seconds=min(2**effect.attempts, 3600)))
    else:
        _done(context, effect)
        log.info("flow trigger sent", shop=shop.domain, handle=effect.payload["handle"], effect=effect.id)


def _done(context: Context, effect: Effect) -> None:
    with context.database.transaction() as db:
        outbox.done(db, effect)


def _later(context: Context, effect: Effect, error: str, wait: timedelta) -> None:
    with context.database.transaction() as db:
        outbox.fail(db, effect, error, retry_in=wait)
