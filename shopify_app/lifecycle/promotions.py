"""Promotions that a merchant tells of one by one: rows of the table that the shop's snapshots hold."""

import tempfile
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.orm import Session

from ml import promotions
from ml.promotions import Promotions
from ml.signals import MOST_SIGNALS
from shopify_app.db import Database
from shopify_app.errors import Overtaken
from shopify_app.records import parts
from shopify_app.records.objects import Objects

EVERYTHING, LONGEST_DAYS, MOST_CAMPAIGNS = promotions.EVERYTHING, promotions.LONGEST, MOST_SIGNALS
TRIES = 5
Table = frozenset["Promotion"]
Occasion = tuple[date, date, str]
"""First day, last day and code."""


class Promotion(NamedTuple):
    """One line: the days, the discount code or "", and the product's number or EVERYTHING."""

    first_on: date
    last_on: date
    code: str
    series: str

    @property
    def occasion(self) -> "Occasion":
        """What it has in common with the lines of other products."""
        return self[:3]


def told(db: Session, objects: Objects, shop_id: int) -> Table:
    """All that the shop told of, past and planned."""
    return _read(objects, parts.given(db, shop_id, parts.PROMOTIONS))


def add(database: Database, objects: Objects, shop_id: int, new: Iterable[Promotion]) -> None:
    """Tell of these, too; telling of one twice changes nothing. Raises Overtaken when others never stop changing it."""
    added = frozenset(new)
    _change(database, objects, shop_id, lambda known: known | added)


def remove(database: Database, objects: Objects, shop_id: int, gone: Occasion) -> None:
    """Tell of these days with this code no longer, of no product. Raises as `add`."""
    _change(database, objects, shop_id, lambda known: frozenset(one for one in known if one.occasion != gone))


def campaigns(table: Iterable[Promotion]) -> int:
    """How many codes are for all products: forecasts can tell MOST_CAMPAIGNS apart."""
    return len(_of(sorted(table)).campaigns())


def _change(database: Database, objects: Objects, shop_id: int, change: Callable[[Table], Table]) -> None:
    """The file is written before its name, outside of any transaction: a bucket may take its time."""
    for left in reversed(range(TRIES)):
        with database.reading() as db:
            before = parts.given(db, shop_id, parts.PROMOTIONS)
        known = _read(objects, before)
        table = change(known)
        if table == known:
            return
        sha256 = _put(objects, table) if table else None
        try:
            with database.transaction() as db:
                parts.give_instead(db, shop_id, parts.PROMOTIONS, before, sha256, len(table))
                return
        except Overtaken:
            if not left:
                raise


def _read(objects: Objects, sha256: str | None) -> Table:
    if sha256 is None:
        return frozenset()
    found = promotions.read(objects.checked_path(sha256))
    return frozenset(
        Promotion(first_on, last_on, found.codes.get(place, ""), series)
        for place, (series, first_on, last_on) in enumerate(found.periods)
    )


def _put(objects: Objects, table: Table) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "promotions.parquet"
        promotions.write(_of(sorted(table)), file)
        return objects.put(file)


def _of(table: list[Promotion]) -> Promotions:
    periods = tuple((one.series, one.first_on, one.last_on) for one in table)
    return Promotions(periods, "", {place: one.code for place, one in enumerate(table) if one.code})
