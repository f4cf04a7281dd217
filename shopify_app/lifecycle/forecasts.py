"""Forecast runs: what a version said on an evening, kept before the days it speaks of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ml import explain
from shopify_app import clock
from shopify_app.db import insert, insert_many
from shopify_app.records.objects import Objects
from shopify_app.tables import ForecastRun, ForecastTotal, Version

if TYPE_CHECKING:
    import pandas as pd

TOTAL = "__total__"
QUANTITIES = ("mean", "p10", "p50", "p90")
DAYS_FILE = "forecasts.parquet"
FILES = {
    "days_sha256": DAYS_FILE,
    "windows_sha256": "windows.parquet",
    "explanations_sha256": explain.FILE,
    "types_sha256": "types.parquet",
    "collections_sha256": "collections.parquet",
}
"""What `ml.train.predict` writes, by the column of its hash; the modules that do load numpy, which a page need not."""


@dataclass(frozen=True)
class Stored:
    """A forecast whose files are in the object store: their hashes by column, and the total's rows by day."""

    origin_on: date
    files: Mapping[str, str | None]
    totals: Sequence[Mapping[str, Any]]


def put(objects: Objects, folder: Path) -> Stored:
    """Store what `ml` wrote. Before the transaction that names it: a slow store must not hold a database up."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    days = pq.read_table(folder / DAYS_FILE)
    files = {column: _put(objects, folder / name) for column, name in FILES.items()}
    totals = days.filter(pc.equal(days["series"].cast("string"), TOTAL)).to_pylist()
    rows = [{"day_on": _day(one["ds"]), **{name: float(one[name]) for name in QUANTITIES}} for one in totals]
    return Stored(_day(days["origin"][0].as_py()), files, rows)


def keep(db: Session, version: Version, snapshot_id: str, said: Stored, *, was_champion: bool) -> bool:
    """One version's forecast of one evening. False when that evening's run is known already."""
    row = insert(db, ForecastRun).values(
        shop_id=version.shop_id,
        version_id=version.id,
        origin_on=said.origin_on,
        snapshot_id=snapshot_id,
        **said.files,
        was_champion=was_champion,
        created_at=clock.now(),
    )
    run_id = db.scalar(row.on_conflict_do_nothing().returning(ForecastRun.id))
    if run_id is None:
        return False
    insert_many(db, ForecastTotal, [{"shop_id": version.shop_id, "run_id": run_id, **total} for total in said.totals])
    return True


def _put(objects: Objects, file: Path) -> str | None:
    return objects.put(file) if file.is_file() else None


def files(run: ForecastRun) -> dict[str, str | None]:
    """The hashes of a run's files by the names under which they were written; None where there was no such file."""
    return {name: getattr(run, column) for column, name in FILES.items()}


def newest(db: Session, shop_id: int, version_id: int) -> ForecastRun | None:
    """The latest run of a version."""
    return db.scalar(
        select(ForecastRun)
        .where(ForecastRun.shop_id == shop_id, ForecastRun.version_id == version_id)
        .order_by(ForecastRun.origin_on.desc())
        .limit(1)
    )


def first_since(db: Session, shop_id: int, version_id: int, on: date) -> date | None:
    """The first evening from that day on of which the version has a run."""
    mine = ForecastRun.shop_id == shop_id, ForecastRun.version_id == version_id, ForecastRun.origin_on >= on
    return db.scalar(select(func.min(ForecastRun.origin_on)).where(*mine))


def before(db: Session, shop_id: int, version_ids: Iterable[int], day_on: date) -> ForecastRun | None:
    """The last run that was made before a day, by any of the given versions."""
    return db.scalar(
        select(ForecastRun)
        .where(
            ForecastRun.shop_id == shop_id,
            ForecastRun.version_id.in_(list(version_ids)),
            ForecastRun.origin_on < day_on,
        )
        .order_by(ForecastRun.origin_on.desc(), ForecastRun.created_at.desc())
        .limit(1)
    )


def served(db: Session, shop_id: int, day_on: date) -> ForecastRun | None:
    """The run that the merchant saw for a day: the last one made before it by the version in charge."""
    return db.scalar(
        select(ForecastRun)
        .where(ForecastRun.shop_id == shop_id, ForecastRun.was_champion, ForecastRun.origin_on < day_on)
        .order_by(ForecastRun.origin_on.desc(), ForecastRun.created_at.desc())
        .limit(1)
    )


def totals(db: Session, shop_id: int, run_id: int) -> Sequence[ForecastTotal]:
    """The shop's total per day of a run, in order."""
    return db.scalars(
        select(ForecastTotal)
        .where(ForecastTotal.shop_id == shop_id, ForecastTotal.run_id == run_id)
        .order_by(ForecastTotal.day_on)
    ).all()


def mark_served(db: Session, shop_id: int, version_id: int, origin_on: date) -> None:
    """From this evening's runs, the merchant sees this version's."""
    evening = (ForecastRun.shop_id == shop_id, ForecastRun.origin_on == origin_on)
    mine = db.scalar(select(ForecastRun.id).where(*evening, ForecastRun.version_id == version_id))
    if mine is not None:
        db.execute(update(ForecastRun).where(*evening).values(was_champion=ForecastRun.id == mine))


def of_day(objects: Objects, run: ForecastRun, day_on: date) -> "pd.DataFrame":
    """What a run said about one day: `series` (text), `ds`, `mean`, `p10`, `p50`, `p90`, one row per series."""
    return _frame(objects.path(run.days_sha256), "ds", [("ds", "=", day_on)])


def of_window(objects: Objects, run: ForecastRun, first: date, days: int) -> "pd.DataFrame":
    """What a run said about one window: `series` (text), `first`, `days`, `mean`, `p10`, `p50`, `p90`."""
    return _frame(objects.path(run.windows_sha256), "first", [("first", "=", first), ("days", "=", days)])


def explanation(objects: Objects, run: ForecastRun, series: str) -> dict[str, Any] | None:
    """Why a run forecast this series as it did: the columns of `ml.explain`, and `words`, a list of sentences.

    The same for a table: `parts`, pairs of words and units that add up to `mean`, and `notes` beside them.
    None when the run does not speak of it or was made elsewhere. `series` is the product's number as text or `TOTAL`.
    """
    import pyarrow.parquet as pq

    if run.explanations_sha256 is None:
        return None
    found = pq.read_table(objects.path(run.explanations_sha256), filters=[("series", "=", series)]).to_pylist()
    if not found:
        return None
    row = found[0]
    parts = [(explain.level(row), float(row["level"])), *explain.parts(row)]
    return {**row, "words": explain.words(row), "parts": parts, "notes": explain.rhythm(row)}


def _frame(path: Path, day: str, only: list[tuple[str, str, Any]]) -> "pd.DataFrame":
    """The wanted rows alone: a run has a hundred thousand, and an evening looks into a dozen runs."""
    import pandas as pd
    import pyarrow.parquet as pq

    table: pd.DataFrame = pq.read_table(path, filters=only).to_pandas()
    return table.assign(series=table.series.astype(str), **{day: pd.to_datetime(table[day]).astype("datetime64[s]")})


def _day(value: Any) -> date:
    day: date = value.date() if hasattr(value, "date") else value
    return day
