"""What counting and listing costs, one measurement per process: python -m bench.recommend_cost {shop,large} [LINES]."""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ml.baskets import Baskets
from ml.costs import peak_rss_mb
from ml.recommend import together
from ml.recommend.config import RecommendConfig
from ml.recommend.counts import Counts
from ml.recommend.evidence import Evidence

NOW = 1_750_000_000
NEW_ORDERS = 500
Result = TypeVar("Result")


def shop() -> dict[str, Any]:
    """A million lines: of 10,000 products in orders of three, and of 4,500 in orders of 25, as a wholesaler has."""
    return {
        "orders_of_three": _measured(made_up(1_000_000, 10_000, 3)),
        "wholesale": _measured(made_up(1_000_000, 4_500, 25)),
    }


def large() -> dict[str, Any]:
    """Five million lines of 100,000 products in orders of three."""
    return _measured(made_up(5_000_000, 100_000, 3))


def made_up(lines: int, products: int, size: int) -> Baskets:
    """Orders of about `size` lines: most from one of many small groups of products, the rest by demand."""
    random = np.random.default_rng(0)
    sizes = 1 + random.poisson(size - 1, lines // size)
    order = np.repeat(np.arange(len(sizes)), sizes)
    group = random.integers(0, max(products // 50, 1), len(sizes))[order]
    near = group * 50 + (50 * random.random(len(order)) ** 2).astype(np.int64)
    any_ = (products * random.random(len(order)) ** 2.5).astype(np.int64)
    product = np.minimum(np.where(random.random(len(order)) < 0.6, near, any_), products - 1)
    return Baskets.of(order, product, np.sort(random.uniform(0, 700, len(sizes)))[::-1][order])


def _measured(held: Baskets) -> dict[str, Any]:
    """CPU seconds of a rebuild and of taking in the newest orders; whether both count the same."""
    config = RecommendConfig()
    newest = np.arange(len(held)) >= len(held) - NEW_ORDERS
    before, fresh = held.chosen(~newest).among(held.products), held.chosen(newest)
    base_rss = peak_rss_mb()
    count, rebuilt = _cpu(lambda: Counts.of(held, NOW, config))
    whole = Evidence(held, rebuilt, config)
    lists, _ = _cpu(lambda: together.wide(whole, config.neighbours))
    rss = peak_rss_mb()
    start = Counts.of(before, NOW, config)
    own = start.weights().diagonal()
    table = together.wide(Evidence(before, start, config), config.neighbours)
    absorb, after = _cpu(lambda: start.absorb(fresh, NOW))
    relist, (rows, *_) = _cpu(lambda: together.refreshed(Evidence(before, after, config), *table, own))
    return {
        "lines": len(held.items),
        "products": len(held.products),
        "pairs": int(rebuilt.base.nnz),
        "rebuild": {"count": count, "lists": lists, "both": round(count + lists, 3)},
        "new_orders": {"orders": NEW_ORDERS, "absorb": absorb, "touched_products": len(rows), "touched_lists": relist},
        "saved_counting": round(1 - absorb / count, 3),
        "saved_in_all": round(1 - (absorb + relist) / (count + lists), 3),
        "bit_equal_to_a_rebuild": (after.pairs != rebuilt.pairs).nnz == 0,
        "peak_rss_mb": rss,
        "rss_before_mb": base_rss,
    }


def _cpu(work: Callable[[], Result]) -> tuple[float, Result]:
    started = time.process_time()
    result = work()
    return round(time.process_time() - started, 4), result


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print(json.dumps({"shop": shop, "large": large}[sys.argv[1]]()))
