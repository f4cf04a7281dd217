"""What is known about a customer and a product: candidates worth ranking, and features of each pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from ml.recommend import again, content, ease, people, together, tops
from ml.recommend.evidence import Evidence
from ml.sales import Bools, Floats, Ints

CANDIDATES = 150
ALIKE, MOST_COMPARED = 200, 10_000
"""Customers like this one, out of those that bought last."""
LONG_AGO = 999.0
Dense = NDArray[np.float32]


@dataclass(frozen=True)
class Pairs:
    """Candidates of each customer (product numbers, int64 [customers, K]), their features (float32 [.., .., F]), and
    which of them may be shown: where nearly everything was bought before, there are not enough others."""

    product: Ints
    features: Dense
    allowed: Bools


class Shoppers:
    """The customers of one shop at one moment."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    @cached_property
    def own(self) -> sparse.csr_matrix:
        """Decayed orders, half-life 180 days, [customers, products]."""
        return again.decayed(self.evidence.baskets, again.OWN_HALF_LIFE).astype(np.float32)

    @cached_property
    def lately(self) -> sparse.csr_matrix:
        """The same, half-life 60 days."""
        return again.decayed(self.evidence.baskets, again.ONWARD_HALF_LIFE).astype(np.float32)

    @cached_property
    def mood(self) -> sparse.csr_matrix:
        """The same, half-life 30 days."""
        return again.decayed(self.evidence.baskets, 30.0).astype(np.float32)

    @cached_property
    def times(self) -> sparse.csr_matrix:
        """Orders of each customer with each product."""
        return again.decayed(self.evidence.baskets, np.inf).astype(np.float32)

    @cached_property
    def last(self) -> sparse.csr_matrix:
        """Days since the last purchase, plus one, where there was any."""
        customer, product, age = people.last_bought(self.evidence.baskets)
        return sparse.csr_matrix((age.astype(np.float32) + 1, (customer, product)), shape=self.own.shape)

    @cached_property
    def year_ago(self) -> sparse.csr_matrix:
        """Orders in the month around the same day a year ago."""
        baskets = self.evidence.baskets
        return again.counted(baskets, (baskets.age > 335) & (baskets.age <= 395)).astype(np.float32)

    @cached_property
    def orders(self) -> Floats:
        """Float32 [customers, 3]: orders ever, orders in 60 days, days since the last."""
        baskets, n = self.evidence.baskets, self.own.shape[0]
        known = baskets.customer >= 0
        buyer, age = baskets.customer[known], baskets.age[known]
        youngest = np.full(n, LONG_AGO)
        np.minimum.at(youngest, buyer, age)
        ever, lately = np.bincount(buyer, minlength=n), np.bincount(buyer[age <= 60], minlength=n)
        return np.stack([ever, lately, youngest], 1).astype(np.float32)

    @cached_property
    def regressed(self) -> tuple[Ints, Floats]:
        """EASE of the most sold products, whole."""
        return ease.regressed(self.evidence, self.evidence.config.ease_dropout)

    @cached_property
    def near(self) -> sparse.csr_matrix:
        """Bought together."""
        return tops.matrix_of(*together.wide(self.evidence, 200), self.evidence.n)

    @cached_property
    def alike(self) -> sparse.csr_matrix:
        """Described alike."""
        table = content.fit(self.evidence)
        return tops.matrix_of(table.index, table.scores, self.evidence.n)

    @cached_property
    def products(self) -> Dense:
        """Float32 [products, features]: demand, trend, age and price of each product."""
        evidence, baskets = self.evidence, self.evidence.baskets
        week, month, quarter = (evidence.sold_within(days).astype(np.float64) for days in (7, 28, 91))
        age = np.repeat(baskets.age, baskets.sizes)
        last, first = np.full(evidence.n, LONG_AGO), np.zeros(evidence.n)
        np.minimum.at(last, baskets.items, age)
        np.maximum.at(first, baskets.items, age)
        ahead = np.bincount(baskets.items[(age > 335) & (age <= 365)], minlength=evidence.n)
        levels = [np.log1p(each) for each in (evidence.sold, month, week, ahead)]
        trends = [week * 4 / (month + 1), month * 3.25 / (quarter + 1), (ahead + 1) / (month + 1)]
        ages = [np.minimum(last, 400), np.minimum(first, 800)]
        return np.stack([*levels, *trends, *ages, self.price], 1).astype(np.float32)

    @cached_property
    def price(self) -> Floats:
        """Logarithm of the price; the median where it is unknown."""
        catalogue = self.evidence.catalogue
        if catalogue is None or not (catalogue.price > 0).any():
            return np.zeros(self.evidence.n)
        known = catalogue.price > 0
        return np.log(np.where(known, catalogue.price, np.median(catalogue.price[known])))

    def pairs(self, customers: Ints, only_new: Sequence[bool]) -> list[Pairs]:
        """Candidates and features for these customers, for each kind of list that is asked for.

        only_new: whether to leave out what they have bought before. What both kinds look at is looked at once.
        """
        have = self.own[customers].toarray() > 0
        views = self._views(customers, have)
        return [self._pairs(customers, have, views, new) for new in only_new]

    def _pairs(self, customers: Ints, have: Bools, views: dict[str, Dense], only_new: bool) -> Pairs:
        score = sum(share * _leading(views[name]) for name, share in SHARES.items())
        score = score + 0.6 * _leading(self.products[None, :, 1]) + 0.3 * _leading(np.expm1(self.products[None, :, 2]))
        if not only_new:
            score = score + 1.2 * _leading(self.own[customers].toarray())
        score = np.where(have & only_new, np.float32(-9), score)
        width = min(CANDIDATES, score.shape[1])
        product = np.sort(np.argpartition(-score, width - 1, axis=1)[:, :width], axis=1)
        told = [np.take_along_axis(score, product, 1)]
        for view in views.values():
            told += [np.take_along_axis(each, product, 1) for each in (view, _leading(view))]
        if not only_new:
            told += self._habits(customers, product)
        told += self._about(customers, product, have)
        allowed = ~(np.take_along_axis(have, product, 1) & only_new)
        return Pairs(product, np.stack([each.astype(np.float32) for each in told], 2), allowed)

    def _views(self, customers: Ints, have: Bools) -> dict[str, Dense]:
        """What each list says of every product to these customers, float32 [customers, products]."""
        lately, own = self.lately[customers], self.own[customers]
        like = self._like(customers)
        return {
            "ease": self._eased(lately),
            "near": _dense(lately @ self.near),
            "alike": _dense(lately @ self.alike),
            "habit": self._eased(own),
            "taste": self._eased(sparse.csr_matrix(have.astype(np.float32))),
            "like": _dense(like @ (self.own > 0).astype(np.float32)),
            "like_now": _dense(like @ self.mood),
        }

    def _eased(self, have: sparse.csr_matrix) -> Dense:
        head, weights = self.regressed
        score = np.zeros(have.shape, np.float32)
        score[:, head] = have[:, head] @ weights
        return score

    def _like(self, customers: Ints) -> sparse.csr_matrix:
        """The customers most like each, by the cosine of what they own: [these customers, all customers]."""
        length = np.sqrt(np.asarray(self.own.multiply(self.own).sum(1)).ravel())
        unit = sparse.diags(1 / np.maximum(length, 1e-9), dtype=np.float32) @ self.own
        newest = np.sort(np.argsort(self.orders[:, 2], kind="stable")[:MOST_COMPARED])
        likeness = (unit[customers] @ unit[newest].T).tocsr()
        place = np.searchsorted(newest, customers)
        place[place == len(newest)] = 0
        self_ = np.where(newest[place] == customers, place, -1)
        index, value = tops.best(likeness, min(ALIKE, len(newest)), diagonal=self_)
        index = np.where(index >= 0, newest[index], index)
        return tops.matrix_of(index, value, self.own.shape[0])

    def _habits(self, customers: Ints, product: Ints) -> list[Floats]:
        """How each customer bought these products before."""
        own, mood, times, last, ago = (
            np.take_along_axis(part[customers].toarray(), product, 1)
            for part in (self.own, self.mood, self.times, self.last, self.year_ago)
        )
        since = np.where(last > 0, last, LONG_AGO)
        orders = self.orders[customers]
        rhythm = since / (orders[:, 2:3] + 1)
        share = times / (orders[:, 0:1] + 1)
        return [own, own / np.maximum(own.max(1, keepdims=True), 1e-9), mood, times, since, rhythm, share, ago]

    def _about(self, customers: Ints, product: Ints, have: Bools) -> list[Floats]:
        """The customer, the product, and how the price fits."""
        shape = product.shape
        usual = (have @ self.price) / np.maximum(have.sum(1), 1)
        person = [have.sum(1), *self.orders[customers].T]
        spread = [np.broadcast_to(each[:, None], shape) for each in person]
        return [*spread, self.price[product] - usual[:, None], *np.moveaxis(self.products[product], 2, 0)]


SHARES = {"ease": 1.0, "taste": 0.5, "like": 1.0, "like_now": 0.3}
"""How much each view says about who is a candidate at all."""


def _leading(values: Floats) -> Dense:
    """Each row as shares of its largest value; nothing below 0."""
    above = np.maximum(values, 0)
    return np.asarray(above / np.maximum(above.max(1, keepdims=True), 1e-9), np.float32)


def _dense(matrix: sparse.csr_matrix) -> Dense:
    return np.asarray(matrix.todense(), np.float32)


def listed(parts: Sequence[Pairs]) -> Dense:
    """The features of several windows below one another."""
    return np.concatenate([part.features.reshape(-1, part.features.shape[2]) for part in parts])
