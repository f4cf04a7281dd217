"""A shop's counts of what was bought together, kept up with its orders between fits, and checked every night.

What the last fit counted is a bundle that never changes; how the shop's rows have changed since is known by day
(`records/parts.py`). So nothing has to be kept in step: taking in the orders of changed days makes the counts of this
moment, whatever happened in between, and a lost bundle is made again by the next fit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import insert
from shopify_app.records import feeds, months
from shopify_app.tables import Feed, ListRun, SnapshotPart, Version

if TYPE_CHECKING:
    import pyarrow as pa

    from ml.baskets import Baskets
    from ml.recommend.counts import Counts

KIND = "counts"
DAY_SECONDS = 86_400
EAST, WEST = 14 * 3600, 12 * 3600
"""How far a shop's day may begin before, and end after, the same day in UTC."""
WIDER = timedelta(days=2)
"""Around changed days: an order whose time falls on them in UTC is of one of these days where the shop is."""
States = Mapping[str, int]


@dataclass(frozen=True)
class Baseline:
    """What refreshes start from: the last fit's bundle, its last day, and the states of the days it knew."""

    bundle: str
    cutoff_on: date
    states: States


def states(db: Session, shop_id: int) -> dict[str, int]:
    """The states of all days and months of orders. Read them before a snapshot is frozen."""
    mine = SnapshotPart.shop_id == shop_id, SnapshotPart.name.startswith("lines/")
    return dict(db.execute(select(SnapshotPart.name, SnapshotPart.state).where(*mine)).all())


def set_baseline(db: Session, shop_id: int, found: Baseline) -> None:
    """Refreshes start here from now on."""
    known = {name: state for name, state in found.states.items() if name <= f"lines/{found.cutoff_on}"}
    told = {"bundle": found.bundle, "cutoff_on": found.cutoff_on.isoformat(), "states": known}
    feeds.done(db, shop_id, KIND, told=told)


def baseline(db: Session, shop_id: int) -> Baseline | None:
    """Where refreshes start; None before the first fit whose lists use counts."""
    row = feeds.of(db, shop_id, KIND)
    if row is None or "bundle" not in row.told:
        return None
    return Baseline(row.told["bundle"], date.fromisoformat(row.told["cutoff_on"]), row.told["states"])


def forget(db: Session, shop_id: int) -> None:
    """Counts that were wrong, and all lists made of them: versions answer with their own lists again."""
    db.execute(delete(Feed).where(Feed.shop_id == shop_id, Feed.kind == KIND))
    db.execute(delete(ListRun).where(ListRun.shop_id == shop_id))


def take_in(db: Session, shop_id: int, counts: "Counts", since: Baseline, until_on: date) -> "Counts":
    """The counts of the shop's orders up to that day, as its rows have them now."""
    looked_at = (until_on - date(1970, 1, 1)).days * DAY_SECONDS + DAY_SECONDS
    for first_on, last_on in _spans(_changed(db, shop_id, since, until_on)):
        sold = months.sales(db, shop_id, first_on - WIDER, min(last_on + WIDER, until_on))
        orders = _baskets(sold, looked_at)
        counts = counts.absorb(orders, looked_at, _gone(counts, orders, first_on, last_on))
    return counts


def answering(db: Session, version: Version) -> str:
    """The bundle that a version answers with: its newest lists, or those of its own fit."""
    run = _newest(db, version)
    return run.bundle if run else version.bundle


def listed(db: Session, version: Version) -> int:
    """How many orders since the fit the version's newest lists have taken in."""
    run = _newest(db, version)
    return run.orders if run else 0


def answer_with(db: Session, version: Version, bundle: str, orders: int) -> None:
    """The version answers with these lists from now on."""
    mine = ListRun.shop_id == version.shop_id, ListRun.version_id == version.id
    db.execute(delete(ListRun).where(*mine))
    row = {"shop_id": version.shop_id, "version_id": version.id, "bundle": bundle, "orders": orders}
    db.execute(insert(db, ListRun).values(**row, made_at=clock.now()))


def _newest(db: Session, version: Version) -> ListRun | None:
    mine = ListRun.shop_id == version.shop_id, ListRun.version_id == version.id
    return db.scalar(select(ListRun).where(*mine).order_by(ListRun.id.desc()).limit(1))


def _changed(db: Session, shop_id: int, since: Baseline, until_on: date) -> set[date]:
    """Days whose orders are not as the fit knew them, and the fit's last day, of which it saw times only to midnight.

    Days of long closed months lose their own state after a while: then the whole month is read.
    """
    now = states(db, shop_id)
    days: set[date] = {since.cutoff_on}
    for month in [name for name in now if _is_month(name)]:
        is_same = now[month] == since.states.get(month)
        if is_same and month < f"lines/{since.cutoff_on:%Y-%m}":
            continue
        there = {name: state for name, state in now.items() if name.startswith(f"{month}-")}
        known = {name for name in since.states if name.startswith(f"{month}-")}
        fresh = {name for name, state in there.items() if since.states.get(name) != state}
        unsaid = known - there.keys() or not (fresh or is_same)
        days |= _days_of(month) if unsaid else {_day(name) for name in fresh}
    return {on for on in days if on <= until_on}


def _is_month(name: str) -> bool:
    return len(name) == len("lines/2026-03")


def _day(name: str) -> date:
    return date.fromisoformat(name.removeprefix("lines/"))


def _days_of(month: str) -> set[date]:
    first_on = _day(f"{month}-01")
    return {first_on + timedelta(days=n) for n in range(31) if (first_on + timedelta(days=n)).month == first_on.month}


def _spans(days: Iterable[date]) -> Iterable[tuple[date, date]]:
    """Days that follow one another closely are read together."""
    found: list[tuple[date, date]] = []
    for on in sorted(days):
        if found and on - found[-1][1] <= 2 * WIDER:
            found[-1] = (found[-1][0], on)
        else:
            found.append((on, on))
    return found


def _baskets(sold: "pa.Table", looked_at: int) -> "Baskets":
    import pyarrow as pa

    from ml.baskets import Baskets
    from ml.dataset import age_days

    seconds = sold["created_at"].cast(pa.timestamp("s", tz="UTC"), safe=False).cast(pa.int64()).to_numpy()
    order, product = (sold[name].to_numpy() for name in ("order_id", "product_id"))
    return Baskets.of(order, product, age_days(seconds, looked_at))


def _gone(counts: "Counts", orders: "Baskets", first_on: date, last_on: date) -> Any:
    """Orders counted before whose time falls on these days and that are not there any more."""
    import numpy as np

    known, seconds = counts.placed()
    begin = _midnight(first_on) - EAST
    end = _midnight(last_on) + DAY_SECONDS + WEST
    there = known[(seconds >= begin) & (seconds < end + 1)]
    return np.setdiff1d(there, orders.orders)


def _midnight(on: date) -> int:
    return int(datetime.combine(on, time(), UTC).timestamp())
