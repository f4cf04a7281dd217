"""The list of each customer who accepts marketing, as a file for the merchant's mailing tool, kept for a day.

It names customers by Shopify's number, so it is sealed under a key of its own, and goes as a whole as soon as any
customer of the shop is forgotten: who would have to be looked for in it is nobody's to know.
"""

from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.errors import NotFound
from shopify_app.log import log
from shopify_app.records import jobs, keys, sealed_files
from shopify_app.records.objects import Objects
from shopify_app.records.turns import happened
from shopify_app.tables import Mailing

KEPT = timedelta(days=1)
"""Who accepts marketing today may not tomorrow."""


def ask(db: Session, shop_id: int) -> int:
    """Note that a file is wanted, instead of the one before; its number."""
    db.execute(delete(Mailing).where(Mailing.shop_id == shop_id))
    mailing = Mailing(shop_id=shop_id, asked_at=clock.now(), expires_at=clock.now() + KEPT)
    db.add(mailing)
    db.flush()
    return mailing.id


def newest(db: Session, shop_id: int) -> Mailing | None:
    """The shop's file, made or wanted, while it is kept."""
    mine = Mailing.shop_id == shop_id, Mailing.expires_at > clock.now()
    return db.scalar(select(Mailing).where(*mine).order_by(Mailing.id.desc()).limit(1))


def keep(database: Database, objects: Objects, wanted: Mailing, content: bytes, customers: int) -> bool:
    """Seal the file and keep it. False when it was asked for anew meanwhile, or somebody was forgotten."""
    with database.reading() as db:
        secret = keys.find(db, wanted.shop_id)
    if secret is None:
        return False
    file = sealed_files.put(objects, secret, content, _about(wanted.id))
    done = file | {"customers": customers, "made_at": clock.now(), "expires_at": clock.now() + KEPT}
    with database.transaction() as db:
        # By its time, too: SQLite gives the number of a deleted row to the next one.
        same = Mailing.id == wanted.id, Mailing.asked_at == wanted.asked_at
        waits = Mailing.shop_id == wanted.shop_id, *same, Mailing.made_at.is_(None)
        return happened(db, update(Mailing).where(*waits).values(**done))


def fetch(database: Database, objects: Objects, shop_id: int, *, by: str) -> bytes:
    """The file. That it was fetched is noted, and logged with `by` whom. Raises NotFound."""
    with database.transaction() as db:
        mailing = newest(db, shop_id)
        file = sealed_files.find(db, mailing, _about(mailing.id)) if mailing else None
        if mailing is None or file is None:
            raise NotFound("this shop has no file for its mailing tool")
        mailing.fetched_at = clock.now()
        number = mailing.id
    log.info("a mailing was fetched", shop_id=shop_id, mailing=number, by=by)
    return file.read(objects)


def forget(db: Session, shop_id: int) -> frozenset[str]:
    """Delete the shop's files; their objects, to be removed after the commit. One that is being made is begun anew."""
    last = newest(db, shop_id)
    is_coming = last is not None and last.made_at is None and jobs.is_open(db, shop_id, "mailing")
    gone = delete(Mailing).where(Mailing.shop_id == shop_id).returning(Mailing.sha256)
    found = db.scalars(gone).all()
    if is_coming:
        ask(db, shop_id)
    return frozenset(name for name in found if name)


def _about(number: int) -> str:
    return f"mailing {number}"
