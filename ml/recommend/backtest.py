"""A recommender backtest: fit on the orders before a day, answer questions about what came after it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.baskets import Baskets
from ml.costs import Costs
from ml.dataset import age_days
from ml.errors import BadData
from ml.frames import ORDERS, QUERIES, check
from ml.recommend import again, together
from ml.recommend.config import RecommendConfig
from ml.recommend.neighbours import NeighbourTable
from ml.sales import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

Say = Callable[[str], None]
KINDS = ("cart", "product", "customer", "customer_new")
EVERY = 2_000


@dataclass(frozen=True)
class Shop:
    """The orders before the cut with products and customers as numbers."""

    products: list[Any]
    customers: list[Any]
    baskets: Baskets
    customer: Ints
    """Customer number per line, -1 for none."""
    product: Ints
    age: Floats


def backtest(
    orders: pd.DataFrame,
    queries: pd.DataFrame,
    cut: date,
    out: Path,
    *,
    k: int = 60,
    config: RecommendConfig | None = None,
    say: Say,
) -> dict[str, Any]:
    """Answers to every query, written as `answers.parquet` and `run.json`; returns the run.

    Lines from the cut on are dropped before anything else happens.
    """
    import pandas as pd

    settings, costs = config or RecommendConfig(), Costs()
    with costs.of("read"):
        shop = _read(orders, cut)
        asked = _asked(queries, shop)
    say(f"fitting on {len(shop.baskets)} orders, {len(shop.products)} products before {cut}")
    with costs.of("fit"):
        table = together.fit(shop.baskets, settings)
        history = again.fit(shop.customer, shop.product, shop.age)
    answers = []
    with costs.of("answer"):
        for number, (query, kind, given, customer) in enumerate(asked):
            if number % EVERY == 0:
                say(f"answering {number} of {len(asked)}")
            found = _answer(table, history, kind, given, customer, k)
            answers += [(query, rank, shop.products[p], score) for rank, (p, score) in enumerate(found, start=1)]
    out.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(answers, columns=["query_id", "rank", "product_id", "score"])
    frame.astype({"score": np.float32}).to_parquet(out / "answers.parquet", index=False)
    run = {
        **costs.as_dict(),
        "queries": len(asked),
        "answered": int(frame["query_id"].nunique()),
        "chosen": together.NAME,
    }
    (out / "run.json").write_text(json.dumps(run, indent=1) + "\n")
    return run


def _read(orders: pd.DataFrame, cut: date) -> Shop:
    """The shop as it was known on the morning of the cut."""
    import pandas as pd

    check(orders, ORDERS)
    lines = orders[orders["created_at"] < pd.Timestamp(cut)]
    lines = lines[(lines["units"] > 0) & lines["product_id"].notna()]
    if len(lines) == 0:
        raise BadData(f"orders: no order line before {cut}")
    product, products = pd.factorize(lines["product_id"], sort=True)
    customer, customers = pd.factorize(lines["customer_id"], sort=True)
    order, _ = pd.factorize(lines["order_id"].astype(str), sort=True)
    seconds = lines["created_at"].to_numpy().astype("datetime64[s]").astype(np.int64)
    age = age_days(seconds, int(pd.Timestamp(cut).timestamp()))
    return Shop(list(products), list(customers), Baskets.of(order, product, age), customer, product, age)


def _asked(queries: pd.DataFrame, shop: Shop) -> list[tuple[Any, str, list[int], int]]:
    """Each query with the numbers of the products given (those known) and of its customer (-1 when unknown)."""
    check(queries, QUERIES)
    unknown = set(queries["kind"]) - set(KINDS)
    if unknown:
        raise BadData(f"queries: unknown kind {sorted(unknown)[0]!r}; known are {', '.join(KINDS)}")
    numbers = {product: number for number, product in enumerate(shop.products)}
    people = {customer: number for number, customer in enumerate(shop.customers)}
    asked: dict[Any, tuple[Any, str, list[int], int]] = {}
    rows = queries.sort_values(["query_id", "position"], kind="stable")
    columns = (rows[name] for name in ("query_id", "kind", "product_id", "customer_id"))
    for query, kind, product, customer in zip(*columns, strict=True):
        entry = asked.setdefault(query, (query, kind, [], people.get(customer, -1)))
        if product in numbers:
            entry[2].append(numbers[product])
    return list(asked.values())


def _answer(
    table: NeighbourTable, history: again.History, kind: str, given: list[int], customer: int, k: int
) -> list[tuple[int, float]]:
    """Product numbers with scores, best first."""
    if kind == "customer":
        return history.again(customer, k, table.popular)
    if kind == "customer_new":
        return history.onward(customer, k, table)
    return [(one.product_id, one.score) for one in table.recommend(given, k)]
