"""Questions that the orders after a cut ask of a recommender, and how well answers do. Nothing here is random.

cart: an order of 2 to 50 products with one hidden, all others given. small_cart: the same with three of them given.
page: one product of the order given, the others wanted. customer: what a known customer bought in the month after the
cut; customer_new: the same without what they had bought before.
"""

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

TASKS = {
    "cart": "cart",
    "small_cart": "cart",
    "page": "product",
    "customer": "customer",
    "customer_new": "customer_new",
}
"""Each task and the kind of query that asks it."""
DAYS, K = 30, 10
DISCOUNT = 1 / np.log2(np.arange(2, K + 2))


@dataclass(frozen=True)
class Question:
    """One query: products given (or the customer), products wanted, products that do not count."""

    task: str
    given: tuple[str, ...]
    customer: int | None
    wanted: frozenset[str]
    banned: frozenset[str]


def read_lines(file: Any) -> pd.DataFrame:
    """Order lines of Online Retail II: sales of real products, each once per order."""
    names = {"Invoice": "order_id", "StockCode": "product_id", "InvoiceDate": "created_at", "Quantity": "units"}
    lines = pd.read_parquet(file).rename(
        columns={**names, "Price": "price", "Customer ID": "customer_id", "Description": "title"}
    )
    lines["product_id"] = lines["product_id"].str.upper().str.strip()
    sold = (lines["units"] > 0) & (lines["price"] > 0) & ~lines["order_id"].str.startswith("C")
    lines = lines[sold & lines["product_id"].str.match(r"^\d{5}")]
    lines = lines.sort_values(["created_at", "order_id", "product_id"], kind="stable")
    return lines.drop_duplicates(["order_id", "product_id"])


def ask(lines: pd.DataFrame, cut: str) -> tuple[pd.DataFrame, list[Question]]:
    """The lines before the cut, and the questions of the month after it about products known by then."""
    start = pd.Timestamp(cut)
    known = lines[lines["created_at"] < start]
    later = lines[(lines["created_at"] >= start) & (lines["created_at"] < start + pd.Timedelta(days=DAYS))]
    later = later[later["product_id"].isin(set(known["product_id"]))]
    return known, [*_of_orders(later), *_of_customers(known, later)]


def queries(asked: list[Question]) -> pd.DataFrame:
    """The questions as `python -m ml backtest recommend` reads them; the query id is the question's place."""
    rows = [
        (number, TASKS[one.task], product, one.customer, position)
        for number, one in enumerate(asked)
        for position, product in enumerate(one.given or (None,))
    ]
    frame = pd.DataFrame(rows, columns=["query_id", "kind", "product_id", "customer_id", "position"])
    return frame.astype({"customer_id": "Int64"})


def ndcg(answers: dict[int, list[str]], asked: list[Question], task: str) -> np.ndarray:
    """NDCG@10 of every question of a task."""
    found = []
    for number, one in enumerate(asked):
        if one.task == task:
            shown = [product for product in answers.get(number, []) if product not in one.banned][:K]
            hits = np.array([product in one.wanted for product in shown], dtype=float)
            found.append((hits * DISCOUNT[: len(hits)]).sum() / DISCOUNT[: min(K, len(one.wanted))].sum())
    return np.array(found)


def _of_orders(later: pd.DataFrame) -> list[Question]:
    asked = []
    for order, group in later.groupby("order_id", sort=True):
        products = sorted(group["product_id"].unique())
        if not 2 <= len(products) <= 50:
            continue
        hidden = products[_crc(f"{order}") % len(products)]
        rest = [p for p in products if p != hidden]
        few = sorted(rest, key=lambda p, order=order: _crc(f"{order}|{p}"))[:3]  # type: ignore[misc]
        page = products[_crc(f"q{order}") % len(products)]
        for task, given in (("cart", rest), ("small_cart", few)):
            asked.append(Question(task, tuple(given), None, frozenset([hidden]), frozenset(rest)))
        asked.append(Question("page", (page,), None, frozenset(products) - {page}, frozenset([page])))
    return asked


def _of_customers(known: pd.DataFrame, later: pd.DataFrame) -> list[Question]:
    before = known.dropna(subset="customer_id").groupby("customer_id")["product_id"].agg(frozenset).to_dict()
    asked = []
    for customer, products in later.groupby("customer_id")["product_id"].agg(frozenset).items():
        if customer in before:
            asked.append(Question("customer", (), int(customer), products, frozenset()))  # type: ignore[call-overload]
            fresh = products - before[customer]
            if fresh:
                asked.append(Question("customer_new", (), int(customer), fresh, before[customer]))  # type: ignore[call-overload]
    return asked


def _crc(text: str) -> int:
    return zlib.crc32(text.encode())
