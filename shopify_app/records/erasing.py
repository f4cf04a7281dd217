"""A shop is erased a little at a time, because SQLite has one writer and webhooks of others wait for it only so long.

First its row gets another name: whoever opens the app again from then on is a stranger with a row of their own. Then
its files go, then its rows, a few in a transaction; the request's own transaction does the rest and writes the receipt.
Who is killed in between leaves a shop that nobody finds by its address, and the request, which goes on with it.
"""

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Table, delete, select, tuple_
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import Database, count
from shopify_app.log import log
from shopify_app.records import inbox, pieces, receipts, retention, shops
from shopify_app.records.objects import Objects
from shopify_app.tables import Base, Event, Shop, ShopState, Turn

TOPIC = "shop/redact"
NAMED = "erasing"
"""What the row of a shop that is being erased is called by, before its number and its address."""
COUNTED = ("rows", "events", "objects", "bundles")
FEW, LOOK = 1_000, 10
"""Rows deleted in one transaction, and how many of those are done between two looks at the clock."""
TURN, APART = 2.0, 3.0
"""Seconds for one shop's rows, and until a process takes the next ones: whoever empties the inbox has other work."""
_rests_until = 0.0


@dataclass(frozen=True)
class Leftovers:
    """Files that nobody names any more, to be removed once the rows are gone for good."""

    objects: frozenset[str] = frozenset()
    bundles: frozenset[str] = frozenset()

    def sweep(self, objects: Objects, bundles: Path, put_before: datetime | None = None) -> None:
        """Remove them; call it after the commit, or say when it was seen that nobody else names them."""
        for name in self.objects:
            objects.delete(name, put_before=put_before)
        for name in self.bundles:
            shutil.rmtree(bundles / name, ignore_errors=True)


def most(database: Database, objects: Objects, bundles: Path, domain: str, seq: int) -> bool:
    """Erase nearly everything of a shop that has uninstalled the app, for a moment; whether that was all.

    The request with that number holds the shop's events meanwhile. Nothing happens to a shop that has the app. Safe to
    repeat, and to be killed in.
    """
    global _rests_until
    began = time.monotonic()
    if began < _rests_until:
        return False
    with database.transaction() as db:
        _rename(db, domain)
    with database.reading() as db:
        husks = _husks(db, domain)
    for husk in husks:
        if NAMED not in husk.settings:
            _files_gone(database, objects, bundles, husk)
        steps = [partial(_some_rows, shop_id=husk.id, table=table) for table in _tables()]
        for some in (*steps, partial(_some_events, shop_id=husk.id, domain=domain, before=seq)):
            while pieces.delete(database, some, FEW, LOOK * FEW) >= LOOK * FEW:
                if time.monotonic() > began + TURN:
                    _rests_until = time.monotonic() + APART
                    return False
    return True


def has_begun(db: Session, domain: str) -> bool:
    """Whether a shop of that address is being erased and is not gone yet."""
    return bool(_husks(db, domain))


def rest(db: Session, domain: str) -> Leftovers:
    """Erase what is left of a shop, in the caller's transaction, and write the receipt. Files that go with it.

    Raises ValueError for a shop that has the app: Shopify does not send this then, so a person should look.
    """
    shop, husks = shops.by_domain(db, domain), _husks(db, domain)
    if not husks and shop is not None and shop.state == ShopState.INSTALLED:
        raise ValueError("shop/redact for a shop that has the app installed")
    gone = [*husks, *([shop] if shop is not None and shop.state != ShopState.INSTALLED else [])]
    told, left = dict.fromkeys(COUNTED, 0), Leftovers()
    for one in gone:
        files = _files(db, one.id)
        left = Leftovers(left.objects | files.objects, left.bundles | files.bundles)
        rows = sum(count(db, delete(table).where(table.c.shop_id == one.id)) for table in _tables())
        last = {"rows": rows, "objects": len(files.objects), "bundles": len(files.bundles)}
        told = _sum(_sum(told, one.settings.get(NAMED, {})), last)
        db.execute(delete(Turn).where(Turn.whose == one.domain, Turn.queue != inbox.QUEUE))
        db.execute(delete(Shop).where(Shop.id == one.id))
        db.expunge(one)
    if shop is None or shop in gone:
        told["events"] += count(db, delete(Event).where(Event.shop == domain, Event.topic != TOPIC))
        db.execute(delete(Turn).where(Turn.whose == domain, Turn.queue != inbox.QUEUE))
    receipts.write(db, domain, TOPIC, told)
    log.info("a shop was forgotten", shop=domain, **told)
    return left


def _rename(db: Session, domain: str) -> None:
    shop = shops.by_domain(db, domain)
    if shop is not None and shop.state != ShopState.INSTALLED:
        shop.state = ShopState.UNINSTALLED
        shop.domain = f"{NAMED} {shop.id} {domain}"
        shop.settings = {}


def _husks(db: Session, domain: str) -> Sequence[Shop]:
    """More than one when the shop came back and went again before the first was erased."""
    named = Shop.domain.startswith(f"{NAMED} "), Shop.domain.endswith(f" {domain}", autoescape=True)
    return db.scalars(select(Shop).where(*named).order_by(Shop.id)).all()


def _tables() -> list[Table]:
    return [table for table in reversed(Base.metadata.sorted_tables) if "shop_id" in table.c]


def _some_rows(db: Session, shop_id: int, table: Table) -> int:
    key = tuple_(*table.primary_key.columns)
    few = select(*table.primary_key.columns).where(table.c.shop_id == shop_id).limit(FEW)
    gone = count(db, delete(table).where(key.in_(few)))
    if gone:
        _note(db, shop_id, rows=gone)
    return gone


def _some_events(db: Session, shop_id: int, domain: str, before: int) -> int:
    few = select(Event.seq).where(Event.shop == domain, Event.topic != TOPIC, Event.seq < before).limit(FEW)
    gone = count(db, delete(Event).where(Event.seq.in_(few)))
    if gone:
        _note(db, shop_id, events=gone)
    return gone


def _files_gone(database: Database, objects: Objects, bundles: Path, husk: Shop) -> None:
    """Before the rows that name them, so that none is left for long whoever is killed. What others put now is young."""
    began = clock.now()
    with database.reading() as db:
        files = _files(db, husk.id)
    files.sweep(objects, bundles, put_before=began)
    with database.transaction() as db:
        _note(db, husk.id, objects=len(files.objects), bundles=len(files.bundles))


def _files(db: Session, shop_id: int) -> Leftovers:
    """The shop's files that no other shop's rows name."""
    mine = _named(db, Shop.id == shop_id)
    if not mine.objects:
        return mine
    others = _named(db, Shop.id != shop_id)
    return Leftovers(mine.objects - others.objects, mine.bundles - others.bundles)


def _named(db: Session, whose: Any) -> Leftovers:
    shop_ids = select(Shop.id).where(whose)
    return Leftovers(frozenset(retention.named(db, shop_ids)), frozenset(retention.bundles_named(db, shop_ids)))


def _note(db: Session, shop_id: int, **gone: int) -> None:
    """The receipt counts what went in steps, too, and in which process."""
    husk = db.get_one(Shop, shop_id, populate_existing=True)
    husk.settings = {NAMED: _sum(husk.settings.get(NAMED, {}), gone)}


def _sum(told: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {name: told.get(name, 0) + more.get(name, 0) for name in COUNTED}
