"""Validated figures of a version: what it reached at each level, beside the naive guess on the same rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LEVELS = {
    "store_week": "Shop total per week",
    "store_28d": "Shop total per 28 days",
    "product_week": "Per product and week",
    "product_28d": "Per product and 28 days",
    "product_recent": "Per product, the last 7 days",
    "product_page": "Product pages: rank of what was bought next",
    "cart": "Carts: missing product among the first ten",
    "retained": "Quality kept against a fresh fit",
}
ROLES = {"champion": "In charge", "previous": "Ready to step back in", "shadow": "In the shadow"}
"""As what a version was held against an evening, in the words of the Models page."""
REACHED = ("accuracy", "ndcg_10", "hit_rate_10")
NAIVE = ("naive_accuracy", "popular_ndcg_10", "popular_hit_rate_10")


@dataclass(frozen=True)
class Figure:
    """One level of a version's validation, beside the naive guess on the same rows."""

    label: str
    accuracy: float | None
    naive: float | None
    bias: float | None
    coverage: float | None


def figures(metrics: Mapping[str, Any]) -> list[Figure]:
    """Every level a version was validated at, coarse to fine."""
    found = (figure(metrics, level) for level in LEVELS)
    return [one for one in found if one is not None]


def levels(metrics: Mapping[str, Any]) -> Mapping[str, Any]:
    """The validated figures by level."""
    return {name: figures for name, figures in metrics.items() if name in LEVELS and figures}


def figure(metrics: Mapping[str, Any], level: str) -> Figure | None:
    """One level; None when the version was not validated there."""
    own = levels(metrics).get(level)
    if own is None:
        return None
    reached, naive = (next((own[name] for name in names if name in own), None) for names in (REACHED, NAIVE))
    return Figure(LEVELS[level], reached, naive, own.get("bias"), own.get("coverage"))
