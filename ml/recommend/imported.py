"""Lists made elsewhere, put into a neighbour table as they were given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ml.bundles import Trained
from ml.errors import BadData
from ml.frames import NEIGHBOURS, check
from ml.recommend import lists
from ml.recommend.neighbours import NOBODY, NeighbourTable

if TYPE_CHECKING:
    import pandas as pd

NAME = "table"
LARGEST = {"product_id": 2**63 - 1, "neighbour_id": 2**63 - 1, "together": 2**31 - 1}


def write(
    out: Path,
    rows: pd.DataFrame,
    popular: Sequence[int],
    *,
    cutoff_on: date | None = None,
    because: str = "lists made elsewhere",
) -> Trained:
    """A bundle of algorithm `table` from rows `product_id, neighbour_id, score[, together]`, in any order.

    Raises BadData when a product neighbours itself or a pair comes twice.
    """
    table = as_table(rows, popular)
    metrics = {"n_products": len(table.product_ids), "product_page": None}
    return lists.write(Trained(out, "recommend", NAME, {}, 0, cutoff_on, metrics, because), table)


def as_table(rows: pd.DataFrame, popular: Sequence[int]) -> NeighbourTable:
    """The neighbour table that holds these rows, best score first."""
    check(rows, NEIGHBOURS)
    _check_numbers(rows)
    _check_pairs(rows)
    rows = rows.sort_values(["product_id", "score", "neighbour_id"], ascending=[True, False, True])
    ids = np.unique(np.concatenate([rows["product_id"], rows["neighbour_id"], np.asarray(popular, np.int64)]))
    ids = ids.astype(np.int64)
    row = np.searchsorted(ids, rows["product_id"].to_numpy())
    place = rows.groupby("product_id").cumcount().to_numpy()
    shape = (len(ids), int(place.max(initial=0)) + 1)
    neighbours, scores, together = (
        np.full(shape, NOBODY, np.int32),
        np.zeros(shape, np.float32),
        np.zeros(shape, np.int32),
    )
    neighbours[row, place] = np.searchsorted(ids, rows["neighbour_id"].to_numpy())
    scores[row, place] = rows["score"].to_numpy()
    if "together" in rows:
        together[row, place] = rows["together"].to_numpy()
    return NeighbourTable(ids, neighbours, scores, together, np.asarray(popular, np.int64))


def _check_numbers(rows: pd.DataFrame) -> None:
    for name, largest in LARGEST.items():
        column = rows[name] if name in rows else rows["product_id"][:0]
        if column.isna().any():
            raise BadData(f"neighbours: {name} is missing in {int(column.isna().sum())} rows")
        if len(column) and not (column.min() >= 0 and column.max() <= largest):
            raise BadData(f"neighbours: {name} is below 0 or above {largest:,} in a row")


def _check_pairs(rows: pd.DataFrame) -> None:
    own = rows["product_id"] == rows["neighbour_id"]
    if own.any():
        raise BadData(f"neighbours: product {rows.loc[own, 'product_id'].iloc[0]} is listed as its own neighbour")
    twice = rows.duplicated(["product_id", "neighbour_id"])
    if twice.any():
        raise BadData(f"neighbours: product {rows.loc[twice, 'product_id'].iloc[0]} lists a neighbour twice")
    if not np.isfinite(rows["score"].to_numpy(np.float64)).all():
        raise BadData("neighbours: a score is not a number")
