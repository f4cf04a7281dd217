"""A recommender fit: lists from all orders, and how such lists would have done on the newest ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.baskets import Baskets
from ml.errors import BadData
from ml.recommend import popular, together
from ml.recommend.config import RecommendConfig
from ml.recommend.neighbours import NeighbourTable
from ml.recommend.replay import hits, page_gains

Say = Callable[[str], None]

MOST_QUESTIONS = 1_000
"""Newest orders asked about: more would make the figures no surer than their shop is steady."""


@dataclass(frozen=True)
class Fitted:
    """The table to serve, which recommender made it, why, and what it was measured to do."""

    table: NeighbourTable
    algorithm: str
    because: str
    metrics: dict[str, Any]


def fit_lists(baskets: Baskets, config: RecommendConfig, say: Say) -> Fitted:
    """The lists to serve: bought together where it beats popular on the newest orders, else popular."""
    if len(baskets) == 0:
        raise BadData("recommend: not one order")
    figures, together_leads = _on_trial(baskets, config, say)
    if len(baskets) < config.min_orders:
        because = f"popular leads: {len(baskets)} orders, {config.min_orders} are needed to tell what goes together"
        together_leads = False
    elif figures["product_page"] is None:
        because = "together leads: the newest orders hold too few pairs to compare it with popular"
    else:
        because = _told(figures["product_page"])
    name, recommender = (together.NAME, together) if together_leads else (popular.NAME, popular)
    say(f"fitting {name} on {len(baskets)} orders, {len(baskets.products)} products")
    return Fitted(recommender.fit(baskets, config), name, because, figures)


def _on_trial(baskets: Baskets, config: RecommendConfig, say: Say) -> tuple[dict[str, Any], bool]:
    """Figures on the held-out orders, and whether bought together should lead."""
    figures: dict[str, Any] = {"n_orders": len(baskets), "n_products": len(baskets.products)}
    newest = baskets.age < config.holdout_days
    past, held_out = baskets.chosen(~newest), baskets.chosen(newest)
    if len(past) == 0 or len(held_out) == 0:
        return {**figures, "product_page": None, "cart": None, "holdout_orders": 0}, True
    say(f"trying lists on the newest {len(held_out)} orders")
    past = past.aged(config.holdout_days)
    best, floor = together.fit(past, config), popular.fit(past, config)
    orders = list(held_out)[-MOST_QUESTIONS:]
    scores = [page_gains(table, orders) for table in (best, floor)]
    found = [hits(table, orders) for table in (best, floor)]
    if len(scores[0]) == 0:
        return {**figures, "product_page": None, "cart": None, "holdout_orders": 0}, True
    figures["product_page"] = _figure("ndcg_10", *scores)
    figures["cart"] = _figure("hit_rate_10", *found)
    figures["holdout_orders"] = len(scores[0])
    return figures, bool(scores[0].mean() >= scores[1].mean())


def _figure(name: str, mine: Any, floor: Any) -> dict[str, Any]:
    """A mean per order beside that of popular."""
    values = np.asarray(mine, dtype=np.float64)
    return {
        name: float(values.mean()),
        f"popular_{name}": float(np.mean(floor)),
        "standard_error": float(values.std() / np.sqrt(len(values))),
        "n": len(values),
    }


def _told(page: dict[str, Any]) -> str:
    mine, floor = page["ndcg_10"], page["popular_ndcg_10"]
    name, other = ("together", "popular") if mine >= floor else ("popular", "together")
    return f"{name} beats {other} on the newest {page['n']} orders: product-page NDCG@10 {mine:.3f} against {floor:.3f}"
