"""Steps: after which product page visitors opened which, as a table that says nothing of anybody.

Views themselves go after a while and with whom they lead to; snapshots stay. So a snapshot holds counts alone, by weeks
that are over and in fives: fewer browsers are no row, and whoever goes between two snapshots changes only what stood at
a multiple of `FEWEST`.
"""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Integer, cast, func, literal, select
from sqlalchemy.orm import Session

from shopify_app.tables import View, ViewKind

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

VISIT_SECONDS = 30 * 60
"""A longer pause between two pages begins another visit."""
NEAR = 3
"""Pages further on in a visit say little about each other."""
LONGEST = 100
"""Pages in one visit, those merely opened again not counted; whoever opens more is a machine."""
FEWEST = 5
EPOCH, SQLITE_EPOCH = date(1970, 1, 1), 2_440_587.5
MONDAY = 4
"""The first Monday, as days since 1970."""
VIEW = {"visitor": "i8", "second": "i8", "product_id": "i8", "day": "i8"}


def counted(db: Session, shop_id: int) -> "pa.Table":
    """Steps of closed weeks; the week of the newest day that anything was viewed on is open.

    Columns: product_id, next_id, week_on (a Monday), browsers (rounded down to a multiple of `FEWEST`). A browser
    counts once a week for two products, in the direction in which it opened them first, so that what is counted of a
    week never depends on what came later.
    """
    import numpy as np
    import pyarrow as pa

    views = np.fromiter(_views(db, shop_id), list(VIEW.items()))
    first, then, week, browsers = _summed(_steps(_visits(views)))
    return pa.table(
        {
            "product_id": pa.array(first),
            "next_id": pa.array(then),
            "week_on": pa.array(week.astype("M8[D]")),
            "browsers": pa.array(browsers.astype(np.int32)),
        }
    )


def week_of(day: date) -> date:
    """The Monday that a day's week begins with."""
    return day - timedelta(days=day.weekday())


def open_week(db: Session, shop_id: int) -> date | None:
    """The Monday of the newest week that anything was viewed in; None before that."""
    newest = db.scalar(select(func.max(View.viewed_on)).where(View.shop_id == shop_id))
    return week_of(newest) if newest else None


def _views(db: Session, shop_id: int) -> Any:
    """Visitor, second, product and day of each product page that was opened, a visitor's ones in order."""
    if db.get_bind().dialect.name == "sqlite":
        second, day = func.strftime("%s", View.seen_at), func.julianday(View.viewed_on) - SQLITE_EPOCH
    else:
        second, day = func.floor(func.extract("epoch", View.seen_at)), View.viewed_on - literal(EPOCH)
    mine = View.shop_id == shop_id, View.kind == ViewKind.VIEWED, View.product_id.is_not(None)
    views = select(View.visitor, cast(second, BigInteger), View.product_id, cast(day, Integer)).where(
        *mine, View.viewed_on < (open_week(db, shop_id) or EPOCH)
    )
    ordered = views.order_by(View.visitor, View.seen_at, View.id)
    return db.connection().execute(ordered).cursor or ()  # the driver's own rows: there may be a million


def _visits(views: "np.ndarray") -> "np.ndarray":
    """The same without a page that was merely opened again, and without machines; `second` becomes the visit."""
    import numpy as np

    begins = np.ones(len(views), bool)
    begins[1:] = (np.diff(views["visitor"]) != 0) | (np.diff(views["second"]) > VISIT_SECONDS)
    repeated = np.zeros(len(views), bool)
    repeated[1:] = ~begins[1:] & (np.diff(views["product_id"]) == 0)
    views["second"] = np.cumsum(begins)
    opened = views[~repeated]
    shown: np.ndarray = opened[np.bincount(opened["second"], minlength=1)[opened["second"]] <= LONGEST]
    return shown


def _steps(views: "np.ndarray") -> "np.ndarray":
    """Columns of product, next product, week: each two products of a visitor once a week, the first time."""
    import numpy as np

    monday = views["day"] - (views["day"] - MONDAY) % 7
    found = []
    for far in range(1, NEAR + 1):
        near, beyond = views[:-far], views[far:]
        place = np.flatnonzero((near["second"] == beyond["second"]) & (near["product_id"] != beyond["product_id"]))
        of_both = (near["product_id"][place], beyond["product_id"][place])
        found.append(np.stack([*of_both, monday[far:][place], beyond["visitor"][place], place + far]))
    steps = np.concatenate(found, axis=1)
    order, is_first = _sorted(np.stack([*steps[2:4], *np.sort(steps[:2], axis=0)]), steps[4])
    return np.asarray(steps[:3, order[is_first]])


def _summed(steps: "np.ndarray") -> "np.ndarray":
    """Columns of product, next product, week, browsers in fives, without what fewer did."""
    import numpy as np

    order, is_first = _sorted(steps)
    browsers = np.diff(np.append(np.flatnonzero(is_first), len(order)))
    rows = np.vstack([steps[:, order[is_first]], browsers - browsers % FEWEST])
    return rows[:, browsers >= FEWEST]


def _sorted(rows: "np.ndarray", then_by: "np.ndarray | None" = None) -> tuple["np.ndarray", "np.ndarray"]:
    """The order in which columns that are alike stand together, and which of them begin such a group."""
    import numpy as np

    order = np.lexsort((*(() if then_by is None else (then_by,)), *rows[::-1]))
    is_first = np.ones(len(order), bool)
    is_first[1:] = (np.diff(rows[:, order], axis=1) != 0).any(0)
    return order, is_first
