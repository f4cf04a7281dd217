"""Versions made elsewhere: a forecast or lists as a file, judged like any other."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from ml import train
from ml.errors import MlError
from ml.forecast import table as forecast_table
from ml.recommend import imported as neighbour_table
from ml.recommend.neighbours import NeighbourTable
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.errors import ForetallyError
from shopify_app.lifecycle import forecasts, registry
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.records import shops, snapshots
from shopify_app.records.objects import Objects, open_objects
from shopify_app.tables import Shop, Snapshot, Task

if TYPE_CHECKING:
    import pandas as pd

Write = Callable[[Path, Snapshot, Sequence[int]], object]


def forecast(settings: Settings, domain: str, file: Path) -> dict[str, Any]:
    """Register a forecast file as a version that answers nobody yet; it speaks from this evening on."""
    rows = _read(file, ("series", "ds", "mean"))

    def write(out: Path, snapshot: Snapshot, _popular: Sequence[int]) -> None:
        forecast_table.write(out, rows, cutoff_on=snapshot.cutoff_on, because=f"imported from {file.name}")

    return _register(settings, domain, Task.FORECAST, write)


def lists(settings: Settings, domain: str, file: Path) -> dict[str, Any]:
    """Register a file of neighbours as a version that answers nobody yet; popular products fill it as before."""
    rows = _read(file, ("product_id", "neighbour_id", "score"))

    def write(out: Path, snapshot: Snapshot, popular: Sequence[int]) -> None:
        neighbour_table.write(out, rows, popular, cutoff_on=snapshot.cutoff_on, because=f"imported from {file.name}")

    return _register(settings, domain, Task.RECOMMEND, write)


def _read(file: Path, columns: tuple[str, ...]) -> "pd.DataFrame":
    import pandas as pd

    if not file.is_file():
        raise ForetallyError(f"there is no file {file}")
    try:
        rows = pd.read_parquet(file)
    except (ValueError, OSError) as error:
        raise ForetallyError(f"{file} cannot be read as Parquet: {error}") from error
    missing = [name for name in columns if name not in rows]
    if missing:
        raise ForetallyError(
            f"{file} lacks the columns {', '.join(missing)}; it has {', '.join(map(str, rows.columns))}"
        )
    return rows


def _register(settings: Settings, domain: str, task: Task, write: Write) -> dict[str, Any]:
    database, objects = Database.of(settings), open_objects(settings)
    (settings.var / "scratch").mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=settings.var / "scratch"))
    try:
        with database.reading() as db:
            shop = shops.named(db, domain)
            popular = _popular(db, settings, shop)
        closed_on = registry.today(shop) - timedelta(days=1)
        snapshot = snapshots.freeze(database, objects, shop, closed_on, snapshots.code_version())
        write(scratch / "bundle", snapshot, popular)
        bundle = Bundles(settings).keep(scratch / "bundle")
        said = _predict(settings, objects, snapshot, bundle, scratch) if task == Task.FORECAST else None
        with database.transaction() as db:
            fresh = registry.register(db, shops.get(db, shop.id), _imported(task, snapshot, bundle))
            if said is not None:
                forecasts.keep(db, fresh, snapshot.id, said, was_champion=False)
            return {"task": task.value, "version": fresh.number, "shop": domain}
    except MlError as wrong:
        raise ForetallyError(str(wrong)) from wrong
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _popular(db: Session, settings: Settings, shop: Shop) -> list[int]:
    champion = registry.champion(db, shop.id, Task.RECOMMEND)
    if champion is None:
        return []
    return [int(product) for product in NeighbourTable.open(Bundles(settings).folder(champion.bundle)).popular]


def _predict(settings: Settings, objects: Objects, snapshot: Snapshot, bundle: str, scratch: Path) -> forecasts.Stored:
    dataset = snapshots.materialise(objects, snapshot, scratch / "dataset")
    train.predict(Bundles(settings).folder(bundle), dataset, scratch / "forecast")
    return forecasts.put(objects, scratch / "forecast")


def _imported(task: Task, snapshot: Snapshot, bundle: str) -> registry.Trained:
    return registry.Trained(
        task=task,
        algorithm="table",
        config={},
        seed=0,
        cause="imported",
        snapshot_id=snapshot.id,
        code_version=snapshot.manifest["code_version"],
        bundle=bundle,
        metrics={},
        cutoff_on=snapshot.cutoff_on,
        orders_at_fit=snapshot.orders,
        cpu_seconds=0.0,
    )
