"""Files of versions that nobody asks any more: they go, and what was trained on what, how and how well stays."""

from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from shopify_app.db import Database
from shopify_app.lifecycle.slots import peek
from shopify_app.policy import Policy
from shopify_app.records import retention
from shopify_app.tables import ListRun, Shop, Slot, Task, Version, VersionState

IMPORTED = "table"
"""Algorithm of versions made elsewhere: they are judged, they are no yardstick, and nothing here makes them again."""


def let_go_all(database: Database, now: datetime) -> int:
    """What `let_go` does, for every shop with such versions, each in a transaction of its own; how many versions."""
    with database.reading() as db:
        every = db.scalars(select(Shop).order_by(Shop.id)).all()
        due = [shop.id for shop in every if db.scalar(select(Version.id).where(*_old(db, shop, now)).limit(1))]
    total = 0
    for shop_id in due:
        with database.transaction() as db:
            shop = db.get(Shop, shop_id)
            total += let_go(db, shop, now) if shop is not None else 0
    return total


def let_go(db: Session, shop: Shop, now: datetime) -> int:
    """Note of versions that were of no use for `keep_bundles_days` that their files go; how many. A second call: none.

    Kept are those of whoever answers, stands by for a rollback or may answer next, those that lists are held against,
    and those of versions made elsewhere, which nothing here makes again. The collector removes the others a day later.
    """
    gone = update(Version).where(*_old(db, shop, now)).values(let_go_at=now).returning(Version.id)
    ids = list(db.scalars(gone.execution_options(synchronize_session=False)))
    db.execute(delete(ListRun).where(ListRun.shop_id == shop.id, ListRun.version_id.in_(ids)))
    return len(ids)


def words(version: Version) -> str:
    """What to say of a version without files."""
    return f"the files of {version.task} version {version.number} were let go on {version.let_go_at:%Y-%m-%d}"


def reference(db: Session, shop_id: int, task: str, first_on: date) -> Version | None:
    """The newest fit of our own that knew nothing from that day on, that nobody took back, and whose files are here."""
    return db.scalar(
        select(Version)
        .where(
            Version.shop_id == shop_id,
            Version.task == task,
            Version.algorithm != IMPORTED,
            Version.state.not_in((VersionState.FAILED, VersionState.ROLLED_BACK)),
            Version.cutoff_on < first_on,
            Version.let_go_at.is_(None),
        )
        .order_by(Version.cutoff_on.desc(), Version.number.desc())
        .limit(1)
    )


def _old(db: Session, shop: Shop, now: datetime) -> tuple[ColumnElement[bool], ...]:
    limit = now - timedelta(days=Policy.of(shop.settings).keep_bundles_days)
    return (
        Version.shop_id == shop.id,
        Version.let_go_at.is_(None),
        func.coalesce(Version.left_at, Version.created_at) < limit,
        Version.algorithm != IMPORTED,
        Version.state.not_in(retention.WAITING),
        Version.id.not_in(retention.serving(Slot.shop_id == shop.id)),
        Version.id.not_in(_yardsticks(db, shop.id)),
    )


def _yardsticks(db: Session, shop_id: int) -> list[int]:
    """What lists in charge are held against every night, however old it is."""
    seen = peek(db, shop_id, Task.RECOMMEND)
    since_on = seen.in_charge_since_on if seen else None
    found = reference(db, shop_id, Task.RECOMMEND, since_on) if since_on else None
    return [found.id] if found else []
