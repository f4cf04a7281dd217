"""The frames everything here speaks, and a check that says what is wrong with yours.

A frame is a table with named columns. `check` compares a pandas frame with one of these contracts and reports
every missing or mistyped column at once. Importing this module costs nothing: pandas is the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ml.errors import BadData

if TYPE_CHECKING:
    import pandas as pd

TOTAL: Final = "__total__"
"""The series that stands for all products together."""
HORIZON: Final = 28
WINDOW: Final = 7


@dataclass(frozen=True)
class Contract:
    """A frame's name, the columns it must have and those it may have, each with its kind."""

    name: str
    required: Mapping[str, str]
    optional: Mapping[str, str] = field(default_factory=dict)


SALES = Contract(
    "sales",
    {"series": "any", "ds": "day", "units": "number"},
    {"price": "number", "in_stock": "any", "promo": "any"},
)
LINES = Contract(
    "lines",
    {
        "order_id": "integer",
        "customer": "any",
        "product_id": "integer",
        "units": "number",
        "price": "number",
        "created_at": "time",
        "created_on": "day",
    },
)
PRODUCTS = Contract(
    "products",
    {
        "product_id": "integer",
        "title": "text",
        "product_type": "text",
        "vendor": "text",
        "tags": "text",
        "status": "text",
        "is_available": "any",
        "price": "number",
        "created_on": "day",
    },
)
COLLECTIONS = Contract("collections", {"product_id": "integer", "collection_id": "integer", "title": "text"})
STOCK = Contract("stock", {"product_id": "integer", "changed_on": "day", "is_in_stock": "flag", "price": "number"})
VIEWS = Contract("views", {"product_id": "integer", "next_id": "integer", "week_on": "day", "browsers": "integer"})
FORECASTS = Contract(
    "forecasts",
    {
        "series": "text",
        "origin": "day",
        "ds": "day",
        "mean": "number",
        "p10": "number",
        "p50": "number",
        "p90": "number",
    },
)
WINDOWS = Contract(
    "windows",
    {
        "series": "text",
        "origin": "day",
        "first": "day",
        "days": "integer",
        "mean": "number",
        "p10": "number",
        "p50": "number",
        "p90": "number",
    },
)
ORDERS = Contract(
    "orders",
    {
        "order_id": "any",
        "customer_id": "any",
        "product_id": "any",
        "units": "number",
        "price": "number",
        "created_at": "time",
    },
    {"title": "any", "product_type": "any"},
)
QUERIES = Contract(
    "queries", {"query_id": "any", "kind": "text", "product_id": "any", "customer_id": "any", "position": "any"}
)
NEIGHBOURS = Contract(
    "neighbours", {"product_id": "integer", "neighbour_id": "integer", "score": "number"}, {"together": "integer"}
)


def check(frame: pd.DataFrame, contract: Contract, where: str = "") -> None:
    """Raise BadData naming every column of `frame` that breaks the contract; say nothing when it holds."""
    missing = [name for name in contract.required if name not in frame.columns]
    wrong = [
        f"{name} is {frame[name].dtype}, expected {kind}"
        for name, kind in {**contract.required, **contract.optional}.items()
        if name in frame.columns and not _is(frame[name], kind)
    ]
    if missing:
        wrong.insert(0, f"missing {', '.join(missing)} (found: {', '.join(map(str, frame.columns)) or 'no columns'})")
    if wrong:
        raise BadData(f"{where or contract.name}: " + "; ".join(wrong))


def _is(column: pd.Series, kind: str) -> bool:
    """Whether a column holds what its kind says; an empty column holds anything."""
    from pandas.api import types

    if kind == "any" or len(column) == 0:
        return True
    if kind in ("number", "integer"):
        is_number = types.is_numeric_dtype(column) and not types.is_bool_dtype(column)
        return is_number and (kind == "number" or types.is_integer_dtype(column))
    if kind == "flag":
        return types.is_bool_dtype(column) or set(column.dropna()) <= {True, False}
    if kind == "time":
        return types.is_datetime64_any_dtype(column)
    if kind == "day":
        return types.is_datetime64_any_dtype(column) or hasattr(column.iloc[0], "year") or "date" in str(column.dtype)
    return types.is_string_dtype(column)
