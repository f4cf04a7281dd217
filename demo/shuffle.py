"""Copies of a forecast and of lists whose products have each other's numbers: demo.shuffle RUN BUNDLE SAID LISTED.

A process of its own: what it imports would stay in the memory of the one that plays the story.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml.recommend.neighbours import NeighbourTable

TOTAL = "__total__"
NEIGHBOURS = 20
SEED = 1


def forecast(said: Path) -> pa.Table:
    """The days of a stored forecast, its products shuffled; the total stays."""
    rows = pq.read_table(said, columns=["series", "ds", "mean", "p10", "p50", "p90"])
    names = rows["series"].cast(pa.string()).to_pylist()
    products = sorted({name for name in names if name != TOTAL})
    other = dict(zip(products, np.random.default_rng(SEED).permutation(products).tolist(), strict=True))
    return rows.set_column(0, "series", pa.array([other.get(name, name) for name in names]))


def lists(bundle: Path) -> pa.Table:
    """The neighbours in a bundle, each list given to another product."""
    table = NeighbourTable.open(bundle)
    products = table.product_ids.tolist()
    other = dict(zip(products, np.random.default_rng(SEED).permutation(products).tolist(), strict=True))
    rows = [
        {"product_id": other[product], "neighbour_id": neighbour.product_id, "score": neighbour.score}
        for product in products
        for neighbour in table.neighbours(product, NEIGHBOURS)
        if neighbour.product_id != other[product]
    ]
    return pa.Table.from_pylist(rows)


if __name__ == "__main__":
    run, bundle, said, listed = map(Path, sys.argv[1:])
    pq.write_table(forecast(run), said)
    pq.write_table(lists(bundle), listed)
