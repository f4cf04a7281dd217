"""Forecast runs: what a version said on an evening, kept before the days it speaks of."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import insert, insert_many
from shopify_app.records.objects import Objects
from shopify_app.tables import ForecastRun, ForecastTotal, Version

if TYPE_CHECKING:
    import pandas as pd

TOTAL = "__total__"
QUANTITIES = ("mean", "p10", "p50", "p90")


def keep(db: Session, objects: Objects, version: Version, snapshot_id: str, folder: Path, was_champion: bool) -> bool:
    """Store what `ml` wrote for one version and evening. False when that evening's run is stored already."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    days = pq.read_table(folder / "forecasts.parquet")
    origin_on = days["origin"][0].as_py()
    row = insert(db, ForecastRun).values(
        shop_id=version.shop_id,
        version_id=version.id,
        origin_on=_day(origin_on),
        snapshot_id=snapshot_id,
        days_sha256=objects.put(folder / "forecasts.parquet"),
        windows_sha256=objects.put(folder / "windows.parquet"),
        was_champion=was_champion,
        created_at=clock.now(),
    )
    run_id = db.scalar(row.on_conflict_do_nothing().returning(ForecastRun.id))
    if run_id is None:
        return False
    totals = days.filter(pc.equal(days["series"].cast("string"), TOTAL)).to_pylist()
    insert_many(
        db,
        ForecastTotal,
        [
            {"shop_id": version.shop_id, "run_id": run_id, "day_on": _day(total["ds"])}
            | {name: float(total[name]) for name in QUANTITIES}
            for total in totals
        ],
    )
    return True


def newest(db: Session, shop_id: int, version_id: int) -> ForecastRun | None:
    """The latest run of a version."""
    return db.scalar(
        select(ForecastRun)
        .where(ForecastRun.shop_id == shop_id, ForecastRun.version_id == version_id)
        .order_by(ForecastRun.origin_on.desc())
        .limit(1)
    )


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


def product_days(objects: Objects, run: ForecastRun, product_id: int) -> list[dict[str, Any]]:
    """One product's days of a run: `ds, mean, p10, p50, p90`. Empty when the product is not forecast."""
    return _of(objects.path(run.days_sha256), str(product_id), "ds")


def product_windows(objects: Objects, run: ForecastRun, product_id: int) -> list[dict[str, Any]]:
    """One product's 7-day windows and horizon of a run: `first, days, mean, p10, p50, p90`."""
    return _of(objects.path(run.windows_sha256), str(product_id), "first")


def product_outlook(objects: Objects, run: ForecastRun) -> dict[int, dict[int, dict[str, float]]]:
    """Per product, the windows that begin the day after the run: `{product_id: {7: {...}, 28: {...}}}`."""
    import numpy as np

    first = np.datetime64(run.origin_on + timedelta(days=1))
    windows = frame(objects, run.windows_sha256)
    outlook: dict[int, dict[int, dict[str, float]]] = {}
    for row in windows[(windows["first"] == first) & (windows.series != TOTAL)].to_dict("records"):
        outlook.setdefault(int(row["series"]), {})[int(row["days"])] = {name: float(row[name]) for name in QUANTITIES}
    return outlook


def mark_served(db: Session, shop_id: int, version_id: int, origin_on: date) -> None:
    """From this evening's runs, the merchant sees this version's."""
    evening = (ForecastRun.shop_id == shop_id, ForecastRun.origin_on == origin_on)
    mine = db.scalar(select(ForecastRun.id).where(*evening, ForecastRun.version_id == version_id))
    if mine is not None:
        db.execute(update(ForecastRun).where(*evening).values(was_champion=ForecastRun.id == mine))


def frame(objects: Objects, sha256: str) -> "pd.DataFrame":
    """A stored forecast file as a frame: `series` text, `origin`, `ds` or `first` as days."""
    import pandas as pd
    import pyarrow.parquet as pq

    table: pd.DataFrame = pq.read_table(objects.path(sha256)).to_pandas()
    days = {name: pd.to_datetime(table[name]).astype("datetime64[s]") for name in ("ds", "first") if name in table}
    return table.assign(series=table.series.astype(str), **days)


def runs_made(db: Session, shop_id: int) -> int:
    """How many runs the shop has."""
    return db.scalar(select(func.count()).select_from(ForecastRun).where(ForecastRun.shop_id == shop_id)) or 0


def _of(path: Path, series: str, order: str) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    rows = pq.read_table(path, filters=[("series", "=", series)]).to_pylist()
    return sorted(rows, key=lambda row: row[order])


def _day(value: Any) -> date:
    day: date = value.date() if hasattr(value, "date") else value
    return day
