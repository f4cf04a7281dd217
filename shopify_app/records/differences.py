"""What changed between two snapshots: which orders, lines and products came, went or are other than they were."""

from pathlib import Path
from typing import Any

from shopify_app.records.objects import Objects
from shopify_app.tables import Snapshot

LINES = """
    SELECT order_id, product_id, sum(units)::BIGINT AS units, round(sum(units * price), 4) AS amount,
        min(customer) AS customer, min(created_at) AS created_at
    FROM read_parquet({files}) GROUP BY ALL
"""
EMPTY = """
    SELECT 0::BIGINT AS order_id, 0::BIGINT AS product_id, 0::BIGINT AS units, 0::DOUBLE AS amount, '' AS customer,
        NULL::TIMESTAMPTZ AS created_at WHERE false
"""
CHANGED_LINES = """
    SELECT order_id, product_id, a.units AS units_before, b.units AS units_after, a.amount AS amount_before,
        b.amount AS amount_after,
        CASE WHEN a.units IS NULL THEN 'added' WHEN b.units IS NULL THEN 'removed' ELSE 'changed' END AS what
    FROM before a FULL JOIN after b USING (order_id, product_id)
    WHERE (a.units, a.amount, a.customer, a.created_at) IS DISTINCT FROM (b.units, b.amount, b.customer, b.created_at)
    ORDER BY order_id, product_id
"""
CHANGED_ORDERS = """
    SELECT order_id, CASE
        WHEN order_id NOT IN (SELECT order_id FROM before) THEN 'added'
        WHEN order_id NOT IN (SELECT order_id FROM after) THEN 'removed' ELSE 'changed' END AS what
    FROM (SELECT DISTINCT order_id FROM changed) ORDER BY order_id
"""


def between(objects: Objects, old: Snapshot, new: Snapshot) -> dict[str, Any]:
    """Orders, lines and products that were added, changed and removed from `old` to `new`, by number.

    Only files that the two do not share are read. Raises NotFound or DamagedBundle for one that cannot be.
    """
    import duckdb

    told = {name: [old.manifest[name], new.manifest[name]] for name in ("cutoff_on", "code_version", "schema")}
    with duckdb.connect() as db:
        db.execute("SET threads TO 1")
        for name, mine, other in (("before", old, new), ("after", new, old)):
            db.execute(f"CREATE TABLE {name} AS {_lines(objects, mine, other)}")
        db.execute(f"CREATE TABLE changed AS {CHANGED_LINES}")
        lines = _rows(db.execute("SELECT * FROM changed"))
        orders = _rows(db.execute(CHANGED_ORDERS))
    return {
        "manifest": {name: pair for name, pair in told.items() if pair[0] != pair[1]},
        "orders": {what: [row["order_id"] for row in orders if row["what"] == what] for what in KINDS},
        "lines": {what: [_without(row, "what") for row in lines if row["what"] == what] for what in KINDS},
        "products": _products(objects, old, new),
    }


KINDS = ("added", "changed", "removed")


def _lines(objects: Objects, mine: Snapshot, other: Snapshot) -> str:
    shared = {file["sha256"] for file in other.manifest["files"]}
    own = [
        file for file in mine.manifest["files"] if file["name"].startswith("lines/") and file["sha256"] not in shared
    ]
    paths = [str(objects.checked_path(file["sha256"])) for file in own]
    return LINES.format(files=paths) if paths else EMPTY


def _products(objects: Objects, old: Snapshot, new: Snapshot) -> dict[str, list[Any]]:
    before, after = (_catalogue(objects, snapshot) for snapshot in (old, new))
    both = sorted(before.keys() & after.keys())
    return {
        "added": sorted(after.keys() - before.keys()),
        "changed": [
            {"product_id": product_id, "columns": sorted(columns)}
            for product_id in both
            if (columns := [c for c, v in after[product_id].items() if before[product_id].get(c) != v])
        ],
        "removed": sorted(before.keys() - after.keys()),
    }


def _catalogue(objects: Objects, snapshot: Snapshot) -> dict[int, dict[str, Any]]:
    import pyarrow.parquet as pq

    (named,) = (file for file in snapshot.manifest["files"] if file["name"] == "products.parquet")
    path: Path = objects.checked_path(named["sha256"])
    return {row["product_id"]: row for row in pq.ParquetFile(path).read().to_pylist()}


def _rows(result: Any) -> list[dict[str, Any]]:
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}
