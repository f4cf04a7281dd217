"""The files a snapshot is made of, and which of them are still as they were last written.

A closed month is one file, and shared by every snapshot until one of its orders changes. The cutoff's own month is one
file a day, so that one more order costs one day. The catalogue is a file, and so are its collections, the history of
stock and prices and the steps between product pages.
What is a file depends on the cutoff alone: the same rows give the same files, whatever way they came.
"""

import secrets
from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, func, or_, select
from sqlalchemy.orm import Session

from shopify_app.db import insert_for
from shopify_app.errors import Overtaken
from shopify_app.tables import SnapshotPart

CATALOGUE = "products"
COLLECTIONS = "collections"
STOCK = "stock"
VIEWS = "views"
SIGNALS, PROMOTIONS = "signals", "promotions"


class Known(NamedTuple):
    """A part's row: `state` is that of its rows now, `written_state` what it was when the file was written."""

    name: str
    state: int
    written_state: int | None
    sha256: str | None
    orders: int
    lines: int


PARTS: Any = SnapshotPart.__table__
LONGEST = len("lines/2026-03")
WANTED = (
    PARTS.c.shop_id == bindparam("shop_id"),
    or_(func.length(PARTS.c.name) <= LONGEST, PARTS.c.name > bindparam("this_month")),
)
OF_SHOP = select(*(PARTS.c[name] for name in Known._fields)).where(*WANTED)
FILES = select(PARTS.c.name, PARTS.c.sha256).where(*WANTED)
"""Statements that a snapshot repeats are made once: making them costs more than running them."""
NEVER = 0
"""The state of rows that nobody ever told us of."""


class Part(NamedTuple):
    """A file as it is now. `state` is that of the rows it was written from."""

    name: str
    state: int
    sha256: str | None
    orders: int = 0
    lines: int = 0
    is_new: bool = True

    @property
    def file(self) -> dict[str, Any] | None:
        """Its line in the manifest; None when there was nothing to write."""
        named = {"name": f"{self.name}.parquet", "sha256": self.sha256, "rows": self.lines}
        return named if self.sha256 else None


def sales_changed(db: Session, shop_id: int, days: Collection[date]) -> None:
    """Orders of these days have changed: the next snapshot writes their files again."""
    _touch(db, shop_id, {_day(on) for on in days} | {_month(on) for on in days})


def catalogue_changed(db: Session, shop_id: int) -> None:
    """A product has changed: the next snapshot writes the catalogue again."""
    _touch(db, shop_id, {CATALOGUE})


def collections_changed(db: Session, shop_id: int) -> None:
    """A product is in other collections than before: the next snapshot writes their file again."""
    _touch(db, shop_id, {COLLECTIONS})


def stock_changed(db: Session, shop_id: int) -> None:
    """Something was counted, or a price changed: the next snapshot writes the stock's file again."""
    _touch(db, shop_id, {STOCK})


def views_changed(db: Session, shop_id: int) -> None:
    """Views of closed weeks have come or gone: the next snapshot counts steps anew."""
    _touch(db, shop_id, {VIEWS})


def given(db: Session, shop_id: int, name: str) -> str | None:
    """The file of somebody else's making that snapshots hold by this name now; None when there is none."""
    return db.scalar(select(PARTS.c.sha256).where(PARTS.c.shop_id == shop_id, PARTS.c.name == name))


def give(db: Session, shop_id: int, name: str, sha256: str | None, rows: int) -> None:
    """From now on, snapshots hold this file of somebody else's making; None takes it out again."""
    _touch(db, shop_id, {name})
    state = db.scalar(select(PARTS.c.state).where(PARTS.c.shop_id == shop_id, PARTS.c.name == name)) or NEVER
    note(db, shop_id, [Part(name, state, sha256, 0, rows)])


def give_instead(db: Session, shop_id: int, name: str, before: str | None, sha256: str | None, rows: int) -> None:
    """The same, if the file is still the one that was seen before. Raises Overtaken."""
    _touch(db, shop_id, {name})  # whoever comes at the same time waits here
    if given(db, shop_id, name) != before:
        raise Overtaken(f"the {name} were changed meanwhile")
    give(db, shop_id, name, sha256, rows)


def catalogue_state(db: Session, shop_id: int) -> int:
    """Another number after every change to a product of the shop; NEVER before the first."""
    return db.scalar(select(PARTS.c.state).where(PARTS.c.shop_id == shop_id, PARTS.c.name == CATALOGUE)) or NEVER


def of_sales(known: Iterable[str], cutoff_on: date) -> list[str]:
    """The files of order lines of a snapshot up to that day, oldest first; `known` are the names of all parts."""
    this_month = _month(cutoff_on)
    months = sorted(name for name in known if name.startswith("lines/") and len(name) == LONGEST)
    closed = [name for name in months if name < this_month]
    if this_month not in months:
        return closed
    return closed + [f"{this_month}-{day:02}" for day in range(1, cutoff_on.day + 1)]


def days_of(name: str) -> tuple[date, date]:
    """The first and the last day whose order lines the file of that name holds."""
    day_or_month = name.removeprefix("lines/")
    if len(name) > LONGEST:
        return date.fromisoformat(day_or_month), date.fromisoformat(day_or_month)
    first_on = date.fromisoformat(f"{day_or_month}-01")
    return first_on, (first_on + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def known(db: Session, shop_id: int, cutoff_on: date) -> dict[str, Known]:
    """The parts that a snapshot up to that day may take over, as they were last written, by name."""
    return {row[0]: Known._make(row) for row in _rows(db, OF_SHOP, shop_id, cutoff_on)}


def standing(name: str, row: Known | None) -> Part | None:
    """The part as it was last written, when its rows have not changed since."""
    if row is None or row.written_state != row.state:
        return None
    return Part(name, row.state, row.sha256, row.orders, row.lines, is_new=False)


def note(db: Session, shop_id: int, parts: Iterable[Part]) -> None:
    """Remember what was written, unless its rows have changed meanwhile: then it is out of date already."""
    rows = [
        {
            "shop_id": shop_id,
            "name": part.name,
            "state": part.state,
            "written_state": part.state,
            "sha256": part.sha256,
            "orders": part.orders,
            "lines": part.lines,
        }
        for part in parts
        if part.is_new
    ]
    if rows:
        db.connection().execute(_noting(db.get_bind().dialect.name), rows)


@cache
def _noting(dialect: str) -> Any:
    fresh = insert_for(dialect, PARTS)
    return fresh.on_conflict_do_update(
        index_elements=["shop_id", "name"],
        set_={name: fresh.excluded[name] for name in ("written_state", "sha256", "orders", "lines")},
        where=PARTS.c.state == fresh.excluded.state,
    )


def still_hold(db: Session, shop_id: int, parts: Sequence[Part], cutoff_on: date) -> bool:
    """Whether every file that was taken over is still named by its part, and so was out of the collector's reach."""
    taken = {part.name: part.sha256 for part in parts if not part.is_new}
    return taken.items() <= dict(_rows(db, FILES, shop_id, cutoff_on)).items()


def _rows(db: Session, statement: Any, shop_id: int, cutoff_on: date) -> Any:
    """The driver's own rows."""
    wanted = {"shop_id": shop_id, "this_month": _month(cutoff_on)}
    return db.connection().execute(statement, wanted).cursor or ()


def forget_days(db: Session, shop_id: int, cutoff_on: date) -> None:
    """Days of months before that one need no part of their own. Not while a snapshot up to such a day is being made."""
    this_month = _month(cutoff_on)
    closed = SnapshotPart.name.startswith("lines/"), func.length(SnapshotPart.name) > len(this_month)
    mine = SnapshotPart.shop_id == shop_id, *closed, SnapshotPart.name < this_month
    db.execute(delete(SnapshotPart).where(*mine).execution_options(synchronize_session=False))


def _touch(db: Session, shop_id: int, names: Collection[str]) -> None:
    """A state that was never there before: two changes can never look like none."""
    if not names:
        return
    state = secrets.randbits(62) + 1
    rows = [{"shop_id": shop_id, "name": name, "state": state, "orders": 0, "lines": 0} for name in sorted(names)]
    db.connection().execute(_touching(db.get_bind().dialect.name), rows)


@cache
def _touching(dialect: str) -> Any:
    fresh = insert_for(dialect, PARTS)
    return fresh.on_conflict_do_update(index_elements=["shop_id", "name"], set_={"state": fresh.excluded.state})


def _month(on: date) -> str:
    return f"lines/{on.isoformat()[:7]}"


def _day(on: date) -> str:
    return f"lines/{on.isoformat()}"
