"""How good recommendations are beside well-known methods on the same questions, and what they cost.

The order lines are those of Online Retail II (Chen, 2019, UCI Machine Learning Repository, doi 10.24432/C5CG6D).
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sparse

from bench import recommend_anchors
from bench.recommend_questions import TASKS, Question, ask, ndcg, queries, read_lines
from ml.recommend.backtest import backtest

CUTS = ("2011-10-01", "2011-06-01")
"""Judged here, and the sign confirmed there. Settings were chosen on September 2011 and earlier months."""
TARGETS = {"cart": 0.238, "small_cart": 0.146, "page": 0.222, "customer": 0.330, "customer_new": 0.120}
OURS = "foretally"
SHOWN, BLOCK = 60, 500
AFFINITY_DAYS = 60.0
Answers = dict[int, list[str]]


def measure(orders: str | None = None) -> dict[str, Any]:
    """NDCG@10 of every method and task at both cuts, paired z of ours against each, and CPU seconds.

    Without order lines only the costs.
    """
    costs = {kind: _in_a_process_of_its_own(kind) for kind in ("shop", "large")}
    if orders is None:
        return {"cost": costs, "quality": "not measured: give ORDERS=file.parquet"}
    lines = read_lines(Path(orders))
    found = {cut: _judged(lines, cut) for cut in CUTS}
    return {"quality": found, "verdict": _verdict(found), "cost": costs}


def _judged(lines: pd.DataFrame, cut: str) -> dict[str, Any]:
    known, asked = ask(lines, cut)
    run, mine = _ours(known, asked, cut)
    gains = {task: {OURS: ndcg(mine, asked, task)} for task in TASKS}
    seconds = {OURS: round(sum(run[f"cpu_seconds_{step}"] for step in ("fit", "fit_personal")), 1)}
    for name, spent, answers in _theirs(known, asked, cut):
        seconds[name] = spent
        for task in TASKS:
            values = ndcg(answers, asked, task)
            if values.any():
                gains[task][name] = values
        print(f"{cut} {name}: {spent} CPU s", file=sys.stderr, flush=True)
    return {"run": run, "cpu_seconds_to_fit": seconds, "tasks": {task: _table(each) for task, each in gains.items()}}


def _table(gains: dict[str, np.ndarray]) -> dict[str, Any]:
    """Mean NDCG of each method, and z of the paired difference: above 2, ours is surely better."""
    mine = gains[OURS]
    rows = {name: {"ndcg_10": round(float(values.mean()), 4)} for name, values in gains.items()}
    for name, values in gains.items():
        if name != OURS:
            gap = mine - values
            rows[name]["paired_z"] = round(float(gap.mean() / (gap.std() / np.sqrt(len(gap)) or 1)), 1)
    return {"questions": len(mine), "methods": rows}


def _verdict(found: dict[str, Any]) -> dict[str, Any]:
    """For each task: ours, the target, the best other method of this run, and the same two at the other cut."""
    here, there = ({task: each["methods"] for task, each in found[cut]["tasks"].items()} for cut in CUTS)
    said = {}
    for task, target in TARGETS.items():
        methods, other = here[task], there[task]
        rival = max((name for name in methods if name != OURS), key=lambda name, m=methods: m[name]["ndcg_10"])  # type: ignore[misc]
        ours = methods[OURS]["ndcg_10"]
        said[task] = {
            "ndcg_10": ours,
            "target": target,
            "reached": ours >= target,
            "best_other": rival,
            "best_other_ndcg_10": methods[rival]["ndcg_10"],
            "paired_z": methods[rival]["paired_z"],
            "in_june": {
                "ndcg_10": other[OURS]["ndcg_10"],
                "best_other_ndcg_10": other[rival]["ndcg_10"],
                "paired_z": other[rival]["paired_z"],
            },
        }
    return said


def _ours(known: pd.DataFrame, asked: list[Question], cut: str) -> tuple[dict[str, Any], Answers]:
    with tempfile.TemporaryDirectory() as folder:
        run = backtest(known, queries(asked), date.fromisoformat(cut), Path(folder), k=SHOWN, say=lambda step: None)
        answers = pd.read_parquet(Path(folder) / "answers.parquet").sort_values(["query_id", "rank"])
    shown = answers.groupby("query_id")["product_id"].agg(list)
    return run, {int(number): products for number, products in zip(shown.index, shown, strict=True)}


def _theirs(known: pd.DataFrame, asked: list[Question], cut: str) -> Any:
    """Name, CPU seconds to fit and answers of every other method."""
    product, products = pd.factorize(known["product_id"], sort=True)
    order, orders = pd.factorize(known["order_id"], sort=True)
    customer, customers = pd.factorize(known["customer_id"], sort=True)
    age = (pd.Timestamp(cut) - known["created_at"]).dt.total_seconds().to_numpy() / 86_400
    ones = np.ones(len(known), np.float32)
    held = sparse.csr_matrix((ones, (order, product)), shape=(len(orders), len(products)))
    order_age = np.zeros(len(orders))
    order_age[order] = age
    lately = (0.5 ** (age / AFFINITY_DAYS)).astype(np.float32)
    shape, who = (len(customers), len(products)), customer >= 0
    affinity = sparse.csr_matrix((lately[who], (customer[who], product[who])), shape=shape)
    popular = np.bincount(product[age <= 28], minlength=len(products)).astype(np.float32)
    number = {name: place for place, name in enumerate(products)}
    given = _given(asked, number, {int(c): n for n, c in enumerate(customers)}, affinity)
    banned = [[number[name] for name in one.banned] for one in asked]
    methods = [*recommend_anchors.item_methods(held, order_age), *recommend_anchors.implicit_methods(held)]

    def answered(score: Callable[[Any], np.ndarray]) -> Answers:
        best = _best(score, given, popular, banned)
        return {place: list(products[row]) for place, row in enumerate(best)}

    yield "popular, 28 days", 0.0, answered(lambda rows: np.zeros(rows.shape, np.float32))
    yield "own products, decayed", 0.0, answered(lambda rows: rows.toarray())
    for name, fit in methods:
        spent, scored = _cpu(fit)
        if name.startswith("SAR"):
            np.fill_diagonal(scored, 1)  # A customer may buy again; what a cart or a page holds is banned anyway.
        yield name, spent, answered(scored if callable(scored) else _sums(scored))


def _given(
    asked: list[Question], products: dict[str, int], customers: dict[int, int], affinity: Any
) -> sparse.csr_matrix:
    """What each question gives: its products, or what its customer bought, decayed."""
    rows = []
    for one in asked:
        if one.customer is not None:
            rows.append(affinity[customers[one.customer]])
        else:
            places = [products[product] for product in one.given]
            cells = (np.ones(len(places), np.float32), ([0] * len(places), places))
            rows.append(sparse.csr_matrix(cells, shape=(1, len(products))))
    return sparse.vstack(rows).tocsr()


def _sums(matrix: np.ndarray) -> Callable[[Any], np.ndarray]:
    return lambda rows: np.asarray(rows @ matrix)


def _best(score: Callable[[Any], np.ndarray], given: Any, popular: np.ndarray, banned: list[list[int]]) -> np.ndarray:
    """Numbers of the ten best products for each row given; popular ones break ties and fill up."""
    parts = []
    for start in range(0, given.shape[0], BLOCK):
        block = np.asarray(score(given[start : start + BLOCK]), np.float64) + 1e-9 * popular
        for row, places in zip(block, banned[start : start + BLOCK], strict=True):
            row[places] = -np.inf
        near = np.argpartition(-block, 10, axis=1)[:, :10]
        order = np.argsort(-np.take_along_axis(block, near, 1), axis=1, kind="stable")
        parts.append(np.take_along_axis(near, order, 1))
    return np.concatenate(parts)


def _in_a_process_of_its_own(kind: str) -> dict[str, Any]:
    """Memory is a process's peak, so each measurement gets a fresh one; one thread."""
    code = [sys.executable, "-m", "bench.recommend_cost", kind]
    done = subprocess.run(code, capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return dict(json.loads(done.stdout))


def _cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    result = work()
    return round(time.process_time() - started, 1), result
