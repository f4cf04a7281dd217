"""Personal lists: candidates of each customer re-ranked by trees that learned from what customers bought next.

For the home page of a known customer and for e-mail: once with what they bought before, once without. Learned from the
last three months, each seen from its first day; so only shops where enough customers come back get them.

Source: Burges (2010), "From RankNet to LambdaRank to LambdaMART: an overview"; Wang, Li, Golbandi, Bendersky & Najork
(2018), "The LambdaLoss framework for ranking metric optimization".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from ml.recommend import again
from ml.recommend.customers import CustomerTable
from ml.recommend.evidence import Evidence
from ml.recommend.neighbours import NOBODY
from ml.recommend.shoppers import Pairs, Shoppers, listed
from ml.sales import Bools, Floats, Ints

NAME = "personal"
WINDOW, WINDOWS = 30.0, 3
MOST_LEARNED_FROM = 2_000
"""Customers of one window: more would cost memory and teach little."""
LENGTH = 50
ACTIVE_DAYS = 365.0
CHUNK = 500
ROUNDS = 150
PARAMETERS = {
    "objective": "rank:ndcg",
    "eta": 0.06,
    "max_depth": 5,
    "min_child_weight": 20,
    "subsample": 0.6,
    "colsample_bytree": 0.6,
    "tree_method": "hist",
    "lambdarank_pair_method": "topk",
    "lambdarank_num_pair_per_sample": 20,
    "nthread": 1,
}


@dataclass(frozen=True)
class CustomerLists:
    """Products for each customer, best first: customer numbers, product numbers (int32) and scores, [customers, K]."""

    customers: Ints
    index: Ints
    scores: Floats


@dataclass(frozen=True)
class Window:
    """A month in the past: the customers as they were on its first day and what each then bought, 0/1."""

    shoppers: Shoppers
    customers: Ints
    bought: sparse.csr_matrix


class Ranker:
    """Trees for one kind of list."""

    def __init__(self, trees: Any, shoppers: Shoppers, only_new: bool) -> None:
        self._trees, self._shoppers, self._only_new = trees, shoppers, only_new

    def lists(self, customers: Ints, length: int = LENGTH) -> CustomerLists:
        """The best products for these customers."""
        parts = [self._ranked(customers[at : at + CHUNK], length) for at in range(0, len(customers), CHUNK)]
        empty = np.full((0, length), NOBODY, np.int32)
        index = np.concatenate([empty, *(part[0] for part in parts)])
        return CustomerLists(customers, index, np.concatenate([empty.astype(np.float32), *(p[1] for p in parts)]))

    def _ranked(self, customers: Ints, length: int) -> tuple[Ints, Floats]:
        import xgboost

        pairs = self._shoppers.pairs(customers, only_new=self._only_new)
        score = self._trees.predict(xgboost.DMatrix(listed([pairs]))).reshape(pairs.product.shape)
        score = np.where(pairs.allowed, score, -np.inf)
        order = np.lexsort((pairs.product, -score), axis=1)[:, :length]
        best, product = (np.take_along_axis(each, order, 1) for each in (score, pairs.product))
        index = np.full((len(customers), length), NOBODY, np.int32)
        value = np.zeros(index.shape, np.float32)
        index[:, : order.shape[1]] = np.where(best > -np.inf, product, NOBODY)
        value[:, : order.shape[1]] = np.where(best > -np.inf, best, 0)
        return index, value


def windows(evidence: Evidence) -> list[Window]:
    """The months to learn from, newest first; none when too few customers came back in the newest."""
    made = []
    for number in range(1, WINDOWS + 1):
        window = _window(evidence, number * WINDOW)
        if window is None:
            break
        made.append(window)
    return made


def fit(evidence: Evidence, seen: list[Window], seed: int, say: Callable[[str], None]) -> dict[str, Ranker]:
    """Rankers for lists with what a customer had before (`personal`) and without (`personal_new`)."""
    shoppers = Shoppers(evidence)
    rankers = {}
    for name, only_new in ((NAME, False), (f"{NAME}_new", True)):
        say(f"learning {name.replace('_', ' ')} lists from {sum(len(one.customers) for one in seen)} customers")
        rankers[name] = Ranker(_learned(seen, only_new, seed), shoppers, only_new)
    return rankers


def table(evidence: Evidence, names: NDArray[np.str_], seed: int, say: Callable[[str], None]) -> CustomerTable | None:
    """The lists of every customer of the last year: buy again, and ranked ones where enough customers came back.

    names: the customers' pseudonyms in the order of their numbers, ascending. None when nobody is known.
    """
    lately = evidence.baskets.customer[evidence.baskets.age <= ACTIVE_DAYS]
    customers = np.unique(lately[lately >= 0])
    if len(customers) == 0:
        return None
    index, scores = again.table(evidence.baskets, LENGTH)
    lists = {again.NAME: (index[customers], scores[customers])}
    seen = windows(evidence)
    for name, ranker in (fit(evidence, seen, seed, say) if seen else {}).items():
        made = ranker.lists(customers)
        lists[name] = (made.index, made.scores)
    return CustomerTable(names[customers], evidence.baskets.products, lists)


def _learned(seen: list[Window], only_new: bool, seed: int) -> Any:
    import xgboost

    examples = [_examples(window, only_new) for window in seen]
    labels = np.concatenate([bought for _, bought in examples])
    groups = np.repeat(np.arange(len(labels)), labels.shape[1])
    data = xgboost.DMatrix(listed([pairs for pairs, _ in examples]), label=labels.ravel().astype(int), qid=groups)
    return xgboost.train({**PARAMETERS, "seed": seed}, data, ROUNDS)


def _examples(window: Window, only_new: bool) -> tuple[Pairs, Bools]:
    """Candidates of each customer and which they bought; customers who bought none of theirs teach nothing."""
    pairs = window.shoppers.pairs(window.customers, only_new=only_new)
    bought = np.take_along_axis(window.bought.toarray() > 0, pairs.product, 1) & pairs.allowed
    told = bought.any(1)
    return Pairs(pairs.product[told], pairs.features[told], pairs.allowed[told]), bought[told]


def _window(evidence: Evidence, days: float) -> Window | None:
    """The shop as it was that many days ago, and the customers who bought in the month that followed; None if few."""
    baskets = evidence.baskets
    before = baskets.age >= days
    within = ~before & (baskets.age >= days - WINDOW) & (baskets.customer >= 0)
    known = np.unique(baskets.customer[before])
    customers = np.intersect1d(np.unique(baskets.customer[within]), known[known >= 0])
    customers = customers[:: max(-(-len(customers) // MOST_LEARNED_FROM), 1)]
    if len(customers) < max(evidence.config.personal_customers, 1):
        return None
    past = baskets.chosen(before).among(baskets.products).aged(days)
    buyer = np.repeat(np.where(within, baskets.customer, -1), baskets.sizes)
    taken = buyer >= 0
    shape = (int(baskets.customer.max()) + 1, evidence.n)
    bought = sparse.csr_matrix((np.ones(taken.sum(), np.float32), (buyer[taken], baskets.items[taken])), shape=shape)
    then = Evidence.of(past, evidence.config, evidence.catalogue)
    return Window(Shoppers(then), customers, bought[customers])
