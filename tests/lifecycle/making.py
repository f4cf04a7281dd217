"""Versions, sales and forecasts out of thin air, for tests of who answers and how well."""

import json
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy.orm import Session

from ml.recommend import imported
from ml.recommend.neighbours import NeighbourTable
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.lifecycle import forecasts, registry
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.records import ingest
from shopify_app.records.objects import Objects
from shopify_app.tables import Shop, Version
from tests import factories


def a_version(db: Session, shop: Shop, task: str, **changes: Any) -> Version:
    """A registered version of the shop that answers nobody yet."""
    whole: dict[str, Any] = {
        "task": task,
        "algorithm": "naive" if task == "forecast" else "together",
        "config": {},
        "seed": 1,
        "cause": "test",
        "snapshot_id": "0" * 64,
        "code_version": "test",
        "bundle": "0" * 64,
        "metrics": {},
        "cutoff_on": registry.today(shop),
        "orders_at_fit": 0,
        "cpu_seconds": 0.0,
    }
    return registry.register(db, shop, registry.Trained(**(whole | changes)))


def lists(
    database: Database, settings: Settings, shop: Shop, neighbours: dict[int, list[int]], popular: list[int]
) -> Version:
    """A version of the shop with these lists, in charge of nothing yet."""
    rows = [(p, n, 1.0 - i / 10) for p, ns in neighbours.items() for i, n in enumerate(ns)]
    frame = pd.DataFrame(rows, columns=["product_id", "neighbour_id", "score"])
    folder = settings.var / "scratch-bundle"
    imported.write(folder, frame, popular, cutoff_on=None, because=json.dumps([sorted(neighbours), popular]))
    with database.transaction() as db:
        return a_version(db, shop, "recommend", bundle=Bundles(settings).keep(folder), algorithm="table")


def put_in_charge(database: Database, shop: Shop, version: Version) -> None:
    """Promote a version by hand."""
    with database.transaction() as db:
        registry.promote(db, shop, "recommend", version.number, actor="merchant", reason="test")


def table_of(settings: Settings, version: Version) -> NeighbourTable:
    """The lists of a version."""
    return NeighbourTable.open(Bundles(settings).folder(version.bundle))


def sell(
    db: Session,
    shop: Shop,
    on: date,
    units: dict[int, int],
    order_id: int | None = None,
    updated_at: date | None = None,
) -> None:
    """One order of the shop on a day: units per product, as they are from noon of `updated_at` on."""
    at = datetime.combine(on, time(12), ZoneInfo(shop.time_zone))
    number = order_id or on.toordinal()
    lines = tuple((product, sold, "5.00") for product, sold in units.items())
    payload = factories.order(number, lines=lines, created_at=at.isoformat(), customer=None)
    if updated_at is not None:
        payload["updated_at"] = datetime.combine(updated_at, time(12), ZoneInfo(shop.time_zone)).isoformat()
    ingest.apply(db, shop, "orders/create", payload, business_clock="data")


def say(db: Session, objects: Objects, version: Version, origin_on: date, means: dict[int, float], **keep: Any) -> None:
    """Store a version's forecast of one evening: the same mean on each of the next 28 days."""
    with TemporaryDirectory() as name:
        folder = forecast_files(Path(name), origin_on, means)
        forecasts.keep(
            db, version, "0" * 64, forecasts.put(objects, folder), was_champion=keep.get("was_champion", False)
        )


def forecast_files(folder: Path, origin_on: date, means: dict[int, float]) -> Path:
    """The files of a forecast with the same mean on each of the next 28 days; the folder."""
    folder.mkdir(exist_ok=True)
    _days(origin_on, means).to_parquet(folder / "forecasts.parquet", index=False)
    _windows(origin_on, means).to_parquet(folder / "windows.parquet", index=False)
    return folder


def _days(origin_on: date, means: dict[int, float]) -> pd.DataFrame:
    rows = []
    for series, mean in _series(means).items():
        for ahead in range(1, 29):
            ds = origin_on + timedelta(days=ahead)
            rows.append((series, origin_on, ds, mean, mean * 0.5, mean, mean * 1.5))
    return pd.DataFrame(rows, columns=["series", "origin", "ds", "mean", "p10", "p50", "p90"])


def _windows(origin_on: date, means: dict[int, float]) -> pd.DataFrame:
    rows = []
    for series, mean in _series(means).items():
        for start, days in ((1, 7), (8, 7), (15, 7), (22, 7), (1, 28)):
            total = mean * days
            first = origin_on + timedelta(days=start)
            rows.append((series, origin_on, first, days, total, total * 0.5, total, total * 1.5))
    return pd.DataFrame(rows, columns=["series", "origin", "first", "days", "mean", "p10", "p50", "p90"])


def _series(means: dict[int, float]) -> dict[str, float]:
    return {**{str(product): mean for product, mean in means.items()}, "__total__": sum(means.values())}
