"""Silences: has a shop not been heard of for longer than it is used to, or was this app not there to listen?"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from shopify_app.records import canary, feeds, inbox, jobs, turns
from shopify_app.records.feeds import Due
from shopify_app.tables import Event, EventState, Feed, Shop, ShopState, Turn

LOOKED_AT = 500
"""Deliveries that tell how long a shop is usually silent: nights and weekends are among them."""
FEWEST = 20
"""With fewer, nobody knows what is usual."""
TIMES = 2.0
"""A silence counts when it is so many times as long as the longest one before."""
SHORTEST = timedelta(hours=1)
EVERY, SLICE = timedelta(minutes=10), 50
"""Between two looks at all shops, and how many are looked at in one go: a desk has other work."""
ROUND = "silence", "all"
ANSWERED, LONG, FRESH = timedelta(minutes=10), timedelta(hours=1), timedelta(hours=12)
"""After a catalogue was read: by then a webhook has told so. Reading it takes no longer. It was read not long ago."""
AWAY = timedelta(minutes=5)
"""Without a heartbeat for so long, deliveries may have been turned away."""
TOGETHER, APART = 5, timedelta(seconds=10)
"""Shops whose orders are looked at at once after an absence, and until the next ones: a desk has other work, too."""


def turn(db: Session, now: datetime) -> list[int]:
    """The shops whose silence is to be measured now: a slice of all, by one process, and none until the next round.

    The turn's token says after which shop the round goes on.
    """
    held = db.get(Turn, ROUND, populate_existing=True)
    seen = held.served_at.astimezone(UTC) if held else None
    reached = int(held.lease_token or 0) if held else 0
    if seen is not None and not reached and seen + EVERY > now:
        return []
    mine = select(Shop.id).where(Shop.state == ShopState.INSTALLED, Shop.id > reached).order_by(Shop.id)
    ids = list(db.scalars(mine.limit(SLICE)))
    more = str(ids[-1]) if len(ids) == SLICE else None
    return ids if turns.take(db, *ROUND, seen, now, token=more) else []


def after_absence(db: Session, now: datetime, busy: timedelta) -> list[Due]:
    """Orders of all shops, when the last heartbeat is too long ago: call it before the next one. A few at a time.

    busy: how long the worker that asks has worked without a heartbeat; for so long nobody was away.
    """
    age = canary.age(db, now)
    if age is None or age < AWAY + busy:
        return []
    cause = f"the app was away for {round(age.total_seconds() / 60)} minutes"
    return [
        Due(shop_id, feeds.JOBS[feeds.ORDERS], cause, now + number // TOGETHER * APART)
        for number, (shop_id, _, _) in enumerate(_read_shops(db))
    ]


def unusual(db: Session, now: datetime, among: Sequence[int]) -> list[Due]:
    """Which of these shops are silent for unusually long; each again after an hour, as long as it lasts."""
    quiet = []
    served = set(db.scalars(jobs.shops_served(feeds.JOBS[feeds.ORDERS], now, now - SHORTEST)))
    for shop_id, domain, checked_at in _read_shops(db, Shop.id.in_(among)):
        if shop_id in served or (checked_at is not None and checked_at + SHORTEST > now):
            continue
        silent = _silent_for(db, domain, now)
        if silent is not None:
            cause = f"no webhook for {round(silent.total_seconds() / 3600, 1)} hours"
            quiet.append(Due(shop_id, feeds.JOBS[feeds.ORDERS], cause))
    return quiet


def is_heard(db: Session, shop: Shop, now: datetime) -> bool | None:
    """Whether webhooks reach us at all: Shopify sends one about the end of each bulk query, and we make some each day.

    None when no bulk query ended lately.
    """
    read = feeds.of(db, shop.id, feeds.CATALOGUE)
    if read is None or read.checked_at is None or not ANSWERED < now - read.checked_at < FRESH:
        return None
    since = read.checked_at - LONG
    told = Event.shop == shop.domain, Event.topic == "bulk_operations/finish", Event.received_at > since
    return db.scalar(select(Event.seq).where(*told).limit(1)) is not None


def _read_shops(db: Session, *which: ColumnElement[bool]) -> list[tuple[int, str, datetime | None]]:
    """Installed shops whose history was read, with the time of the last look at their orders; the oldest look first."""
    found = select(Shop.id, Shop.domain, Feed.checked_at).join(Feed, Feed.shop_id == Shop.id)
    installed = found.where(Shop.state == ShopState.INSTALLED, Feed.kind == feeds.ORDERS, *which)
    return [(row[0], row[1], row[2]) for row in db.execute(installed.order_by(Feed.checked_at, Shop.id))]


def _silent_for(db: Session, domain: str, now: datetime) -> timedelta | None:
    """How long the shop has been silent, when that is unusual. Most were heard of lately: one delivery tells."""
    last = _heard(db, domain, 1)
    if not last or now - last[0] <= SHORTEST:
        return None
    heard = _heard(db, domain, LOOKED_AT)
    if len(heard) < FEWEST:
        return None
    usual = max(later - earlier for later, earlier in pairwise(heard))
    silent = now - heard[0]
    return silent if silent > max(TIMES * usual, SHORTEST) else None


def _heard(db: Session, domain: str, most: int) -> list[datetime]:
    """When the newest deliveries that became rows came, the newest first."""
    newest = [row for state in (EventState.APPLIED, EventState.DONE) for row in _in_state(db, domain, state, most)]
    return [received_at for _, received_at in sorted(newest, reverse=True)[:most]]


def _in_state(db: Session, domain: str, state: EventState, most: int) -> list[tuple[int, datetime]]:
    theirs = Event.state == state, Event.shop == domain, Event.secret_used != inbox.OURS
    newest = select(Event.seq, Event.received_at).where(*theirs).order_by(Event.seq.desc()).limit(most)
    return [(row[0], row[1]) for row in db.execute(newest)]
