"""A recommender backtest: fit on the orders before a day, answer questions about what came after it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.baskets import Baskets
from ml.costs import Costs
from ml.dataset import age_days
from ml.errors import BadData
from ml.frames import ORDERS, QUERIES, check
from ml.recommend import again, personal
from ml.recommend.catalogue import Catalogue
from ml.recommend.config import RecommendConfig
from ml.recommend.model import Fitted, fit_lists
from ml.recommend.neighbours import NeighbourTable

if TYPE_CHECKING:
    import pandas as pd

Say = Callable[[str], None]
Asked = tuple[Any, str, list[int], int]
"""A query: its id, its kind, the numbers of the products given and of its customer (-1 when unknown)."""
KINDS = ("cart", "product", "customer", "customer_new")
EVERY = 2_000


@dataclass(frozen=True)
class Shop:
    """The orders before the cut with products and customers as numbers."""

    products: list[Any]
    customers: list[Any]
    baskets: Baskets
    catalogue: Catalogue
    looked_at: int


def backtest(
    orders: pd.DataFrame,
    queries: pd.DataFrame,
    cut: date,
    out: Path,
    *,
    k: int = 60,
    config: RecommendConfig | None = None,
    seed: int = 1,
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
        fitted = fit_lists(shop.baskets, settings, say, shop.catalogue, shop.looked_at)
        table, history = fitted.table, again.fit(shop.baskets)
    with costs.of("fit_personal"):
        lists, tried = _personal(fitted, asked, seed, say)
    answers = []
    with costs.of("answer"):
        for number, (query, kind, given, customer) in enumerate(asked):
            if number % EVERY == 0:
                say(f"answering {number} of {len(asked)}")
            found = _answer(table, history, kind, given, customer, k)
            found = _filled(lists.get((kind, customer), []), found, k)
            answers += [(query, rank, shop.products[p], score) for rank, (p, score) in enumerate(found, start=1)]
    out.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(answers, columns=["query_id", "rank", "product_id", "score"])
    frame.astype({"score": np.float32}).to_parquet(out / "answers.parquet", index=False)
    run = {
        **costs.as_dict(),
        "queries": len(asked),
        "answered": int(frame["query_id"].nunique()),
        "chosen": {place: choice.name for place, choice in fitted.choices.items()},
        "personal": tried,
        "why": fitted.because,
    }
    (out / "run.json").write_text(json.dumps(run, indent=1) + "\n")
    return run


def _personal(
    fitted: Fitted, asked: list[Asked], seed: int, say: Say
) -> tuple[dict[tuple[str, int], list[tuple[int, float]]], dict[str, Any]]:
    """Ranked products by kind of question and customer, where these were surely better; and how they did."""
    kinds = {"customer": personal.NAME, "customer_new": f"{personal.NAME}_new"}
    wanted = {kind: sorted({who for _, asks, _, who in asked if asks == kind and who >= 0}) for kind in kinds}
    if not any(wanted.values()):
        return {}, {}
    learned, answers = personal.fit(fitted.evidence, seed, say), {}
    for kind, customers in wanted.items():
        if kinds[kind] not in learned.trees:
            continue
        made = learned.lists(np.array(customers, np.int64), [kinds[kind]])[kinds[kind]]
        for who, products, scores in zip(customers, made.index.tolist(), made.scores.tolist(), strict=True):
            answers[kind, who] = [pair for pair in zip(products, scores, strict=True) if pair[0] >= 0]
    return answers, {name: asdict(tried) for name, tried in learned.tried.items()}


def _filled(first: list[tuple[int, float]], then: list[tuple[int, float]], k: int) -> list[tuple[int, float]]:
    taken = {product for product, _ in first}
    return [*first, *(pair for pair in then if pair[0] not in taken)][:k]


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
    looked_at = int(pd.Timestamp(cut).timestamp())
    baskets = Baskets.of(order, product, age_days(seconds, looked_at), customer)
    return Shop(list(products), list(customers), baskets, _catalogue(lines, product), looked_at)


def _catalogue(lines: pd.DataFrame, product: np.ndarray) -> Catalogue:
    """What each product was last called, and its median price."""
    rows = lines.assign(product_id=product)
    latest = rows.sort_values("created_at", kind="stable").groupby("product_id").last()
    names = [name for name in ("title", "product_type") if name in latest]
    return Catalogue.of(latest[names].assign(price=rows.groupby("product_id")["price"].median()).reset_index())


def _asked(queries: pd.DataFrame, shop: Shop) -> list[Asked]:
    """Every query once, with the products it gives that are known."""
    check(queries, QUERIES)
    unknown = set(queries["kind"]) - set(KINDS)
    if unknown:
        raise BadData(f"queries: unknown kind {sorted(unknown)[0]!r}; known are {', '.join(KINDS)}")
    numbers = {product: number for number, product in enumerate(shop.products)}
    people = {customer: number for number, customer in enumerate(shop.customers)}
    asked: dict[Any, Asked] = {}
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
