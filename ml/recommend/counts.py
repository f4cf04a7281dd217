"""Counts of what was bought together: exact integers, updated by each order, equal bit for bit to a rebuild.

An order of n products weighs 2^((its time - landmark) / half-life) / n^power, rounded once to a whole number: decay
that looks forward from a fixed day, so that a count never changes unless an order does. What a weight means on another
day is one common factor. Each cell holds the plain and the weighted count of a pair side by side in one int64, so that
one pass counts both and a cancelled or refunded order takes away exactly what it had added.

Source: Cormode, Shkapenyuk, Srivastava & Xu (2009), "Forward decay: a practical time decay model for streaming
systems".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from ml.baskets import Baskets
from ml.errors import BadData
from ml.recommend import tops
from ml.recommend.config import RecommendConfig
from ml.sales import Floats, Ints

DAY_SECONDS = 86_400
UNIT = 1 << 18
"""The weight of a single-product order on the landmark: a five year old order still counts for something."""
SHIFT = 41
"""Bits for the weighted count; the 22 above hold the plain one."""
MOST_ORDERS = 1 << 21
VECTORS = 2
"""Random vectors that counts are checked with: an order that weighs next to nothing passes one of them once in 2^23."""
LOOKED_AT = 1 << 18
"""Cells among which others are looked up together: a few megabytes."""
FULL = 8
"""A matrix with one cell in so many is looked up faster written out."""
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Counts:
    """Counts at one moment. `base` is what the last rebuild counted, `since` what orders have changed after it.

    products: ids in the order of the matrices' rows; products that came later follow the old ones. changed: the
    newest content (seconds, product ids) of every order that is not as it was in `built_from`.
    """

    products: Ints
    landmark: int
    """Seconds since 1970."""
    half_life_days: float
    size_power: float
    base: sparse.csr_matrix
    built_from: Baskets
    built_at: int
    since: sparse.csr_matrix | None = None
    changed: Mapping[int, tuple[int, Ints]] = field(default_factory=dict)

    @classmethod
    def of(cls, baskets: Baskets, looked_at: int, config: RecommendConfig, landmark: int | None = None) -> Counts:
        """A rebuild from all orders. `looked_at`: the moment, in seconds since 1970, that their ages are seen from.

        Raises BadData when one product was in more orders than a count can hold.
        """
        if np.bincount(baskets.items, minlength=1).max() >= MOST_ORDERS:
            raise BadData(f"recommend: a product is in more than {MOST_ORDERS:,} orders")
        mark = looked_at if landmark is None else landmark
        counts = cls(
            baskets.products,
            mark,
            config.half_life_days,
            config.size_power,
            sparse.csr_matrix((0, 0), dtype=np.int64),
            baskets,
            looked_at,
        )
        worth = counts._worth(_seconds(baskets, looked_at), baskets.sizes)
        return replace(counts, base=_pairs(baskets.items, baskets.starts, worth, len(baskets.products)))

    def absorb(self, orders: Baskets, looked_at: int, gone: Ints | None = None) -> Counts:
        """The counts after these orders became what they are here, and those in `gone` were cancelled as a whole.

        An order may be new, edited or partly refunded; giving the same one again changes nothing.
        """
        seconds = _seconds(orders, looked_at)
        now = {order: (int(seconds[n]), products) for n, (order, products) in enumerate(orders)}
        now |= {int(order): (0, np.zeros(0, np.int64)) for order in (gone if gone is not None else ())}
        before = {order: self._known(order) for order in now}
        now = {order: told for order, told in now.items() if _differ(told, before[order])}
        if not now:
            return self
        before = {order: before[order] for order in now}
        products = self._with(orders.products)
        change = self._counted(now, products) - self._counted(before, products)
        since = change if self.since is None else _grown(self.since, len(products)) + change
        return replace(self, products=products, since=since, changed={**self.changed, **now})

    @cached_property
    def pairs(self) -> sparse.csr_matrix:
        """Everything counted, as stored: int64 [products, products], plain count above `SHIFT` bits of weight."""
        if self.since is None:
            return self.base
        total = _grown(self.base, len(self.products)) + self.since
        total.eliminate_zeros()
        return total

    def rows(self, which: Ints | slice) -> sparse.csr_matrix:
        """These rows of `pairs`, without adding up the others: a base row and what has changed in it."""
        rows = _grown(self.base, len(self.products))[which]
        return rows if self.since is None else rows + self.since[which]

    def placed(self) -> tuple[Ints, Ints]:
        """Every order counted, and when it was placed, in seconds since 1970."""
        held = {order: seconds for order, (seconds, products) in self.changed.items() if len(products)}
        same = ~np.isin(self.built_from.orders, list(self.changed))
        orders = np.concatenate([self.built_from.orders[same], np.array(list(held), np.int64)])
        before = np.rint(self.built_at - self.built_from.age[same] * DAY_SECONDS).astype(np.int64)
        return orders, np.concatenate([before, np.array(list(held.values()), np.int64)])

    def change(self) -> sparse.csr_matrix:
        """What has been added to `base` since, and taken away, as stored; rows sorted by column, no zeros."""
        n = len(self.products)
        if self.since is None:
            return sparse.csr_matrix((n, n), dtype=np.int64)
        self.since.eliminate_zeros()
        return self.since

    def weights(self, days_later: float = 0.0, rows: Ints | slice | None = None) -> sparse.csr_matrix:
        """Weighted counts as seen that many days after the landmark, float32: a fresh order of one product is 1.

        rows: only these.
        """
        cells = self.pairs if rows is None else self.rows(rows)
        return weighed(cells, 0.5 ** (days_later / self.half_life_days))

    def own_weights(self, days_later: float = 0.0) -> Floats:
        """The diagonal of `weights`, without the rest."""
        return _in_orders(self.pairs.diagonal(), 0.5 ** (days_later / self.half_life_days))

    def together(self, rows: Ints, columns: Ints) -> Ints:
        """In how many orders each of these pairs was bought together, int32."""
        cells = values_at(self.base, rows, columns)
        if self.since is not None:
            cells = cells + values_at(self.since, rows, columns)
        return np.asarray((cells >> SHIFT).astype(np.int32))

    def touched(self) -> Ints:
        """Numbers of the products whose counts changed since the rebuild, ascending."""
        return np.zeros(0, np.int64) if self.since is None else np.flatnonzero(np.diff(self.since.indptr))

    def agree_with(self, orders: Baskets, looked_at: int) -> bool:
        """Whether these are the counts of just these orders, bit for bit, told without counting them anew.

        Both ways of counting are multiplied by random vectors, drawn each time: a pass over the orders and one over
        the counts instead of one over every pair of every order. Counts that are an order off pass once in 2^46 times.

        Source: Freivalds (1977), "Probabilistic machines can use less running time".
        """
        ids = np.union1d(self.products, orders.products)
        mine, theirs = (np.searchsorted(ids, products) for products in (self.products, orders.products))
        asked = np.random.default_rng().integers(2**64, size=(len(ids), VECTORS), dtype=np.uint64)
        counted, expected = np.zeros_like(asked), np.zeros_like(asked)
        counted[mine[: self.base.shape[0]]] = _times(self.base, asked[mine[: self.base.shape[0]]])
        if self.since is not None:
            counted[mine] += _times(self.since, asked[mine])
        held = _held(orders.items, orders.starts, len(orders.products))
        worth = self._worth(_seconds(orders, looked_at), orders.sizes).view(np.uint64)
        expected[theirs] = _times(held.T, worth[:, None] * _times(held, asked[theirs]))
        return np.array_equal(counted, expected)

    def _worth(self, seconds: Ints, sizes: Ints) -> Whole:
        """What each order adds to a cell: its weight, and 1 above."""
        days = (seconds - self.landmark) / DAY_SECONDS
        weight = np.rint(UNIT * 2.0 ** (days / self.half_life_days) / np.maximum(sizes, 1) ** self.size_power)
        return np.asarray(weight.astype(np.int64) + (1 << SHIFT))

    def _known(self, order: int) -> tuple[int, Ints]:
        """An order's time and products as counted so far; none when it was not."""
        if order in self.changed:
            return self.changed[order]
        orders = self.built_from.orders
        place = int(np.searchsorted(orders, order))
        if place == len(orders) or orders[place] != order:
            return 0, np.zeros(0, np.int64)
        held = self.built_from.items[self.built_from.starts[place] : self.built_from.starts[place + 1]]
        seconds = np.rint(self.built_at - self.built_from.age[place] * DAY_SECONDS)
        return int(seconds), self.built_from.products[held]

    def _with(self, products: Ints) -> Ints:
        return np.concatenate([self.products, np.setdiff1d(products, self.products)])

    def _counted(self, orders: Mapping[int, tuple[int, Ints]], products: Ints) -> sparse.csr_matrix:
        contents = [held for _, held in orders.values()]
        sizes = np.array([len(held) for held in contents], np.int64)
        order = np.argsort(products)
        held = np.concatenate([*contents, np.zeros(0, np.int64)]).astype(np.int64)
        items = order[np.searchsorted(products, held, sorter=order)]
        worth = self._worth(np.array([seconds for seconds, _ in orders.values()], np.int64), sizes)
        return _pairs(items, np.concatenate([[0], np.cumsum(sizes)]), worth, len(products))


def _times(matrix: Any, vectors: Any) -> Any:
    """A product modulo 2^64: unsigned, because whole numbers wrap around there by definition."""
    parts = matrix.data.view(np.uint64), matrix.indices, matrix.indptr
    return type(matrix)(parts, shape=matrix.shape, copy=False) @ vectors


def _differ(one: tuple[int, Ints], other: tuple[int, Ints]) -> bool:
    """Whether two versions of an order count differently; an empty one does not count at all."""
    if len(one[1]) != len(other[1]):
        return True
    return len(one[1]) > 0 and (one[0] != other[0] or not np.array_equal(one[1], other[1]))


def values_at(matrix: sparse.csr_matrix, rows: Ints, columns: Ints) -> Any:
    """The values of these cells; 0 where there is none, or beyond the matrix. Its rows have to be sorted by column.

    scipy's own indexing looks cells up one by one and takes five times as long.
    """
    asked, place = np.unique(rows, return_inverse=True)
    inside = asked[asked < matrix.shape[0]]
    found = np.zeros(len(place), matrix.dtype)
    for these in tops.spans(np.concatenate([[0], np.cumsum(np.diff(matrix.indptr)[inside])]), LOOKED_AT):
        wanted = np.flatnonzero((place >= these.start) & (place < these.stop))
        found[wanted] = _values_in(matrix[inside[these]], place[wanted] - these.start, columns[wanted])
    return found


def _values_in(matrix: sparse.csr_matrix, rows: Ints, columns: Ints) -> Any:
    if matrix.nnz * FULL >= matrix.shape[0] * matrix.shape[1] and columns.max(initial=0) < matrix.shape[1]:
        return matrix.toarray()[rows, columns]
    n = matrix.shape[1] + 1
    keys = np.repeat(np.arange(matrix.shape[0], dtype=np.int64) * n, np.diff(matrix.indptr)) + matrix.indices
    wanted = rows.astype(np.int64) * n + np.minimum(columns, n - 1)
    if len(keys) == 0:
        return np.zeros(len(wanted), matrix.dtype)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, matrix.data[at], matrix.dtype.type(0))


def weight(cells: Whole) -> Whole:
    """The weighted counts in such cells, in whole units."""
    return np.asarray(cells & ((1 << SHIFT) - 1))


def weighed(pairs: sparse.csr_matrix, factor: float = 1.0) -> sparse.csr_matrix:
    """The weighted counts in such cells, times a factor, float32."""
    return sparse.csr_matrix((_in_orders(pairs.data, factor), pairs.indices, pairs.indptr), shape=pairs.shape)


def _in_orders(cells: Whole, factor: float) -> Floats:
    """Weighted counts in fresh orders of one product, times a factor, float32."""
    found = weight(cells).astype(np.float32)
    found *= np.float32(factor / UNIT)
    return found


def _pairs(items: Ints, starts: Ints, worth: Whole, n: int) -> sparse.csr_matrix:
    """The sum over orders of `worth` for every pair of their products, rows sorted by column."""
    ones = _held(items, starts, n)
    orders = sparse.csr_matrix((np.repeat(worth, np.diff(starts)), items, starts), shape=ones.shape)
    found = (ones.T.tocsr() @ orders).tocsc()
    # The matrix equals its transpose: its sorted columns are its sorted rows, for the price of one linear pass.
    return sparse.csr_matrix((found.data, found.indices, found.indptr), shape=(n, n))


def _held(items: Ints, starts: Ints, n: int) -> sparse.csr_matrix:
    """Orders by products: 1 where the order holds the product."""
    return sparse.csr_matrix((np.ones(len(items), np.int64), items, starts), shape=(len(starts) - 1, n))


def _grown(matrix: sparse.csr_matrix, n: int) -> sparse.csr_matrix:
    """The same cells in a matrix with room for later products."""
    missing = n - matrix.shape[0]
    if missing == 0:
        return matrix
    starts = np.concatenate([matrix.indptr, np.full(missing, matrix.indptr[-1], matrix.indptr.dtype)])
    return sparse.csr_matrix((matrix.data, matrix.indices, starts), shape=(n, n))


def _seconds(baskets: Baskets, looked_at: int) -> Ints:
    """When each order was placed, in whole seconds since 1970."""
    return np.asarray(np.rint(looked_at - baskets.age * DAY_SECONDS).astype(np.int64))
