"""Make a version that is wrong in the way bad joins are: every product gets another product's numbers."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from demo.family import Family
from demo.watch import Watch
from ml.recommend.neighbours import NeighbourTable
from shopify_app.lifecycle import forecasts
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.records.folder import FolderObjects
from shopify_app.tables import Task

REASON = "sabotage: products shuffled"


def put_in_charge(family: Family, watch: Watch, seed: int = 1) -> dict[str, int]:
    """Import shuffled copies of what is in charge and promote them by hand. Gives their version numbers per task."""
    files = {"forecast": _forecast(family, watch, seed), "recommend": _lists(family, watch, seed)}
    numbers = {task: _import(family, task, file) for task, file in files.items()}
    with ThreadPoolExecutor() as hands:
        list(hands.map(lambda task: _promote(family, task, numbers[task]), numbers))
    return numbers


def _import(family: Family, task: str, file: Path) -> int:
    command = "import-forecast" if task == Task.FORECAST else "import-lists"
    made: dict[str, Any] = json.loads(family.command(command, "--shop", family.setup.domain, str(file)))
    return int(made["version"])


def _promote(family: Family, task: str, number: int) -> None:
    family.command("promote", "--shop", family.setup.domain, task, str(number), "--reason", REASON)


def _forecast(family: Family, watch: Watch, seed: int) -> Path:
    slot, shop = watch.slot(Task.FORECAST), watch.shop()
    assert slot is not None
    assert shop is not None
    assert slot.champion_id is not None
    with watch.database.reading() as db:
        run = forecasts.newest(db, shop.id, slot.champion_id)
    assert run is not None
    rows = pq.read_table(FolderObjects(family.setup.var / "objects").path(run.days_sha256)).to_pandas()
    rows["series"] = rows.series.astype(str)
    products = rows.series[rows.series != forecasts.TOTAL].unique()
    other = dict(zip(products, np.random.default_rng(seed).permutation(products), strict=True))
    shuffled = rows.assign(series=rows.series.map(other).fillna(rows.series))
    return _written(family, "shuffled-forecast", shuffled[["series", "ds", "mean", "p10", "p50", "p90"]])


def _lists(family: Family, watch: Watch, seed: int) -> Path:
    slot = watch.slot(Task.RECOMMEND)
    champion = watch.version(slot.champion_id if slot else None)
    assert champion is not None
    table = NeighbourTable.open(Bundles(family.settings()).folder(champion.bundle))
    products = np.array(table.product_ids)
    other = dict(zip(products.tolist(), np.random.default_rng(seed).permutation(products).tolist(), strict=True))
    rows = [
        (other[product], neighbour.product_id, neighbour.score)
        for product in products.tolist()
        for neighbour in table.neighbours(product, 20)
        if neighbour.product_id != other[product]
    ]
    frame = pd.DataFrame(rows, columns=["product_id", "neighbour_id", "score"])
    return _written(family, "shuffled-lists", frame)


def _written(family: Family, name: str, rows: pd.DataFrame) -> Path:
    path = family.setup.var / f"{name}.parquet"
    rows.to_parquet(path, index=False)
    return path
