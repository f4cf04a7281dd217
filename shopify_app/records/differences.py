"""What changed between two snapshots: what came, went or is other than it was."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

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
    """Orders, lines, products and collections that were added, changed and removed from `old` to `new`, by number.

    Of other files (stock, views, signals, promotions) the names alone are told, of the shop what it was and is.
    Of orders only files that the two do not share are read. Raises NotFound or DamagedBundle for one that cannot be.
    """
    import duckdb

    told = {name: [old.manifest.get(name), new.manifest.get(name)] for name in FACTS}
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
        "collections": _collections(objects, old, new),
        "files": _others(old, new),
    }


FACTS = ("cutoff_on", "code_version", "schema", "time_zone", "country", "currency")
KINDS = ("added", "changed", "removed")
PRODUCTS, COLLECTIONS = "products.parquet", "collections.parquet"


def _lines(objects: Objects, mine: Snapshot, other: Snapshot) -> str:
    shared = {file["sha256"] for file in other.manifest["files"]}
    own = [
        file for file in mine.manifest["files"] if file["name"].startswith("lines/") and file["sha256"] not in shared
    ]
    paths = [str(objects.checked_path(file["sha256"])) for file in own]
    return LINES.format(files=paths) if paths else EMPTY


def _products(objects: Objects, old: Snapshot, new: Snapshot) -> dict[str, list[Any]]:
    before, after = (_catalogue(objects, snapshot) for snapshot in (old, new))

    def changed(product_id: int) -> dict[str, Any] | None:
        was, now = before[product_id], after[product_id]
        columns = sorted(column for column, value in now.items() if was.get(column) != value)
        return {"product_id": product_id, "columns": columns} if columns else None

    return _compared(before, after, changed)


def _catalogue(objects: Objects, snapshot: Snapshot) -> dict[int, dict[str, Any]]:
    return {row["product_id"]: row for row in _table(objects, snapshot, PRODUCTS)}


def _collections(objects: Objects, old: Snapshot, new: Snapshot) -> dict[str, list[Any]]:
    before, after = (_members(objects, snapshot) for snapshot in (old, new))

    def changed(number: int) -> dict[str, Any] | None:
        was, now = before[number], after[number]
        if was == now:
            return None
        return {
            "collection_id": number,
            "title": [was.title, now.title],
            "products_added": sorted(now.products - was.products),
            "products_removed": sorted(was.products - now.products),
        }

    return _compared(before, after, changed)


class _Collection(NamedTuple):
    title: str
    products: frozenset[int]


def _members(objects: Objects, snapshot: Snapshot) -> dict[int, _Collection]:
    """The collections by number. Where products tell other titles of one, the last counts, as it does in training."""
    titles: dict[int, str] = {}
    products: defaultdict[int, set[int]] = defaultdict(set)
    for row in _table(objects, snapshot, COLLECTIONS):
        titles[row["collection_id"]] = row["title"]
        products[row["collection_id"]].add(row["product_id"])
    return {number: _Collection(title, frozenset(products[number])) for number, title in titles.items()}


def _others(old: Snapshot, new: Snapshot) -> dict[str, list[str]]:
    """Names of files that are not told row by row."""
    before, after = (
        {
            file["name"]: file["sha256"]
            for file in snapshot.manifest["files"]
            if not file["name"].startswith("lines/") and file["name"] not in (PRODUCTS, COLLECTIONS)
        }
        for snapshot in (old, new)
    )
    return _compared(before, after, lambda name: name if before[name] != after[name] else None)


def _compared(
    before: Mapping[Any, Any], after: Mapping[Any, Any], changed: Callable[[Any], Any]
) -> dict[str, list[Any]]:
    """Keys that came and that went; of those in both, what `changed` tells of a key, unless that is None."""
    told = (changed(key) for key in sorted(before.keys() & after.keys()))
    return {
        "added": sorted(after.keys() - before.keys()),
        "changed": [one for one in told if one is not None],
        "removed": sorted(before.keys() - after.keys()),
    }


def _table(objects: Objects, snapshot: Snapshot, name: str) -> list[dict[str, Any]]:
    """The rows of that file; none when the snapshot has no such file."""
    import pyarrow.parquet as pq

    paths: list[Path] = [objects.checked_path(f["sha256"]) for f in snapshot.manifest["files"] if f["name"] == name]
    return [row for path in paths for row in pq.ParquetFile(path).read().to_pylist()]


def _rows(result: Any) -> list[dict[str, Any]]:
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}
