"""Personal lists: candidates of each customer re-ranked by trees that learned from what customers bought next.

For the home page of a known customer and for e-mail: once with what they bought before, once without. Learned from two
months, each seen from its first day, and tried on the newest month, which they have not seen: a shop gets the lists
that were surely better there than what it would show otherwise. So only shops where enough customers come back.

Each pair of customer and product is learned as bought or not: ranking objectives were no better and took twice to four
times as long (docs/models.md).

Source: Chen & Guestrin (2016), "XGBoost: a scalable tree boosting system".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from ml.recommend import again, together, trial
from ml.recommend.customers import CustomerTable
from ml.recommend.evidence import Evidence
from ml.recommend.neighbours import NOBODY, CartLists
from ml.recommend.replay import K
from ml.recommend.shoppers import Pairs, Shoppers, listed
from ml.recommend.trial import Questions
from ml.sales import Bools, Floats, Ints

NAME = "personal"
KINDS = {NAME: False, f"{NAME}_new": True}
"""Each list, and whether it leaves out what the customer bought before."""
WINDOW, WINDOWS = 30.0, 3
MOST_LEARNED_FROM = 2_000
"""Customers of one window: more would cost memory and teach little."""
LENGTH = 50
ACTIVE_DAYS = 365.0
CHUNK = 500
SURE = 2.0
"""Standard errors by which lists have to be better than what is shown otherwise."""
ROUNDS, TRIAL_ROUNDS = 100, 50
PARAMETERS = {
    "objective": "binary:logistic",
    "eta": 0.1,
    "max_depth": 4,
    "max_bin": 64,
    "min_child_weight": 20,
    "subsample": 0.6,
    "colsample_bytree": 0.6,
    "tree_method": "hist",
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


@dataclass(frozen=True)
class Example:
    """A month of customers for one list: candidates, what they then bought (0/1, [customers, products]; only what was
    new to them, for a list of that), and the NDCG@10 of what is shown without the list: what they buy most, or what
    goes with what they bought."""

    pairs: Pairs
    wanted: sparse.csr_matrix
    otherwise: Floats


@dataclass(frozen=True)
class Tried:
    """NDCG@10 on the newest month, of these lists and of what is shown otherwise, and how sure the difference is."""

    mean: float
    otherwise: float
    z: float
    customers: int

    @property
    def is_better(self) -> bool:
        """Whether these lists may serve."""
        return self.z > SURE


@dataclass(frozen=True)
class Learned:
    """What customers taught: trees by list, the lists that did not pass left out. tried: figures of all of them."""

    shoppers: Shoppers
    trees: Mapping[str, Any]
    tried: Mapping[str, Tried]

    def lists(self, customers: Ints, names: Sequence[str], length: int = LENGTH) -> dict[str, CustomerLists]:
        """The best products for these customers, by list."""
        parts = [self._some(customers[at : at + CHUNK], names, length) for at in range(0, len(customers), CHUNK)]
        empty = np.full((0, length), NOBODY, np.int32), np.zeros((0, length), np.float32)
        joined = {name: [empty, *(part[name] for part in parts)] for name in names}
        return {name: CustomerLists(customers, *map(np.concatenate, zip(*joined[name], strict=True))) for name in names}

    def _some(self, customers: Ints, names: Sequence[str], length: int) -> dict[str, tuple[Ints, Floats]]:
        asked = self.shoppers.pairs(customers, [KINDS[name] for name in names])
        return {name: _ranked(self.trees[name], pairs, length) for name, pairs in zip(names, asked, strict=True)}


def fit(evidence: Evidence, seed: int, say: Callable[[str], None]) -> Learned:
    """Learned from all months but the newest, tried on that, and what passes learned again from all of them.

    Nothing where too few customers came back in the newest, or in the one before, without which nothing can be tried.
    """
    shoppers, trees, tried = Shoppers(evidence), {}, {}
    seen = [_looked_at(window) for window in _windows(evidence)]
    if len(seen) < 2:
        return Learned(shoppers, {}, {})
    for place, name in enumerate(KINDS):
        examples = [month[place] for month in seen]
        say(f"learning {name.replace('_', ' ')} lists from {sum(one.wanted.shape[0] for one in examples)} customers")
        tried[name] = _tried(_learned(examples[1:], seed, TRIAL_ROUNDS), examples[0])
        say(f"{name}: {tried[name].mean:.3f} against {tried[name].otherwise:.3f}, z {tried[name].z:.1f}")
        if tried[name].is_better:
            trees[name] = _learned(examples, seed, ROUNDS)
    return Learned(shoppers, trees, tried)


def table(
    evidence: Evidence, names: NDArray[np.str_], seed: int, say: Callable[[str], None]
) -> tuple[CustomerTable | None, dict[str, Any]]:
    """The lists of every customer of the last year, and their figures: buy again, and ranked ones that passed.

    names: the customers' pseudonyms in the order of their numbers, ascending. No table when nobody is known.
    """
    lately = evidence.baskets.customer[evidence.baskets.age <= ACTIVE_DAYS]
    customers = np.unique(lately[lately >= 0])
    if len(customers) == 0:
        return None, {}
    index, scores = again.table(evidence.baskets, LENGTH)
    lists = {again.NAME: (index[customers], scores[customers])}
    learned = fit(evidence, seed, say)
    made = learned.lists(customers, list(learned.trees)) if learned.trees else {}
    lists |= {name: (each.index, each.scores) for name, each in made.items()}
    figures = {name: {**asdict(each), "serves": each.is_better} for name, each in learned.tried.items()}
    return CustomerTable(names[customers], evidence.baskets.products, lists), figures


def _ranked(trees: Any, pairs: Pairs, length: int) -> tuple[Ints, Floats]:
    """The best of each customer's candidates: product numbers (int32) and scores, [customers, length]."""
    import xgboost

    score = trees.predict(xgboost.DMatrix(listed([pairs]))).reshape(pairs.product.shape)
    score = np.where(pairs.allowed, score, -np.inf)
    order = np.lexsort((pairs.product, -score), axis=1)[:, :length]
    best, product = (np.take_along_axis(each, order, 1) for each in (score, pairs.product))
    index = np.full((len(score), length), NOBODY, np.int32)
    value = np.zeros(index.shape, np.float32)
    index[:, : order.shape[1]] = np.where(best > -np.inf, product, NOBODY)
    value[:, : order.shape[1]] = np.where(best > -np.inf, best, 0)
    return index, value


def _learned(examples: list[Example], seed: int, rounds: int) -> Any:
    import xgboost

    told = [_told(one) for one in examples]
    labels = np.concatenate([bought.ravel() for _, bought in told]).astype(int)
    data = xgboost.QuantileDMatrix(listed([pairs for pairs, _ in told]), label=labels, max_bin=PARAMETERS["max_bin"])
    return xgboost.train({**PARAMETERS, "seed": seed}, data, rounds)


def _told(one: Example) -> tuple[Pairs, Bools]:
    """Candidates of each customer and which they bought; customers who bought none of theirs teach nothing."""
    pairs = one.pairs
    bought = np.take_along_axis(one.wanted.toarray() > 0, pairs.product, 1) & pairs.allowed
    told = bought.any(1)
    return Pairs(pairs.product[told], pairs.features[told], pairs.allowed[told]), bought[told]


def _tried(trees: Any, one: Example) -> Tried:
    asked = np.diff(one.wanted.indptr) > 0
    if not asked.any():
        return Tried(0.0, 0.0, 0.0, 0)
    others, mine = one.otherwise[asked], trial.listed_gains(_ranked(trees, one.pairs, K)[0], one.wanted)[asked]
    gap = mine - others
    z = float(gap.mean() / (gap.std() / np.sqrt(len(gap)) or 1))
    return Tried(float(mine.mean()), float(others.mean()), z, len(gap))


def _looked_at(window: Window) -> list[Example]:
    """One example for each kind of list. They are small; what the month was seen through is let go with the window."""
    shoppers, customers = window.shoppers, window.customers
    evidence, own, lately = shoppers.evidence, shoppers.own[customers], shoppers.lately[customers]
    itself = np.arange(evidence.n, dtype=np.int32)[:, None]
    again_lists = CartLists(itself, np.ones(itself.shape, np.float32))
    onward_lists = CartLists(*together.wide(evidence, LENGTH))
    fresh = sparse.csr_matrix(window.bought - window.bought.multiply(own > 0))
    fresh.eliminate_zeros()
    fillers = np.searchsorted(evidence.baskets.products, evidence.popular)
    again_gains = trial.gains(again_lists, fillers, Questions(own, window.bought, sparse.csr_matrix(own.shape)))
    onward_gains = trial.gains(onward_lists, fillers, Questions(lately, fresh, own))
    any_, only_new = shoppers.pairs(customers, list(KINDS.values()))
    return [Example(any_, window.bought, again_gains), Example(only_new, fresh, onward_gains)]


def _windows(evidence: Evidence) -> Iterator[Window]:
    """The months to learn from, newest first, until too few customers came back in one."""
    for number in range(1, WINDOWS + 1):
        window = _window(evidence, number * WINDOW)
        if window is None:
            return
        yield window


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
