"""A trial: lists fitted on older orders answer questions that the newest orders ask, many at a time.

The questions are those of `ml.recommend.replay`, which asks a served table one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse

from ml.baskets import Baskets
from ml.recommend import tops
from ml.recommend.neighbours import CARTS, CartLists
from ml.recommend.replay import K, page_of, questions
from ml.sales import Bools, Floats, Ints

PAGE, SMALL_CART, FULL_CART, HOME = "product_page", "small_cart", "full_cart", "home"
PLACES = (PAGE, SMALL_CART, FULL_CART, HOME)
FEW = 3
"""Products shown to the small cart: an order's three of the smallest hash, as a shopper's first few."""
CELLS = 1 << 23


@dataclass(frozen=True)
class Questions:
    """What a place is asked: products given and products wanted, each a 0/1 matrix [questions, products]."""

    given: sparse.csr_matrix
    wanted: sparse.csr_matrix
    hidden: sparse.csr_matrix
    """Products that must not be shown: the whole rest of the cart."""

    def __len__(self) -> int:
        return int(self.given.shape[0])


def asked(held_out: Baskets, most: int) -> dict[str, Questions]:
    """The questions of each place from the newest `most` of these orders. Products are numbered as in `held_out`."""
    number = {product: place for place, product in enumerate(held_out.products.tolist())}
    drawn = questions(list(held_out)[-most:])
    rest = [[number[product] for product in one.shown] for one in drawn]
    hidden = [[number[one.hidden]] for one in drawn]
    page = [[number[page_of(one)]] for one in drawn]
    everything = [[*shown, *one] for shown, one in zip(rest, hidden, strict=True)]
    others = [[p for p in order if p != on[0]] for order, on in zip(everything, page, strict=True)]
    full = [place for place, shown in enumerate(rest) if len(shown) >= CARTS[FULL_CART]]

    def made(given: Sequence[list[int]], wanted: Sequence[list[int]], banned: Sequence[list[int]]) -> Questions:
        return Questions(*(_matrix(each, len(number)) for each in (given, wanted, banned)))

    return {
        PAGE: made(page, others, page),
        SMALL_CART: made([shown[:FEW] for shown in rest], hidden, rest),
        FULL_CART: made(*([each[place] for place in full] for each in (rest, hidden, rest))),
        HOME: made([[] for _ in rest], everything, [[] for _ in rest]),
    }


def gains(lists: CartLists, fillers: Ints, asked: Questions) -> Floats:
    """NDCG of the first ten shown, for each question. fillers: numbers of what fills a short list, best first."""
    n = asked.given.shape[1]
    table = tops.matrix_of(lists.index, lists.scores, n)
    last = np.zeros(n, np.float32)
    last[fillers] = np.linspace(-1, -2, max(len(fillers), 1), dtype=np.float32)[: len(fillers)]
    step = max(CELLS // max(n, 1), 1)
    parts = [_gains(table, last, asked, slice(at, at + step)) for at in range(0, len(asked), step)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _gains(table: sparse.csr_matrix, last: Floats, asked: Questions, part: slice) -> Floats:
    score = np.asarray((asked.given[part] @ table).todense(), np.float32)
    score = np.where(score > 0, score, np.where(last < 0, last, np.float32(-9)))
    banned, wanted = asked.hidden[part].tocoo(), asked.wanted[part]
    score[banned.row, banned.col] = -9
    width = min(K, score.shape[1])
    places = np.argpartition(-score, width - 1, axis=1)[:, :width]
    value = np.take_along_axis(score, places, 1)
    order = np.lexsort((places, -value), axis=1)
    places, shown = np.take_along_axis(places, order, 1), np.take_along_axis(value, order, 1) > -9
    return _ndcg(_holds(wanted, places) & shown, np.diff(wanted.indptr))


def listed_gains(index: Ints, wanted: sparse.csr_matrix) -> Floats:
    """NDCG of the first ten of each of these lists (product numbers, below 0 where there is none)."""
    places = index[:, :K]
    return _ndcg(_holds(wanted, np.maximum(places, 0)) & (places >= 0), np.diff(wanted.indptr))


def _holds(wanted: sparse.csr_matrix, places: Ints) -> Bools:
    rows = np.repeat(np.arange(len(places)), places.shape[1])
    return np.asarray(wanted[rows, places.ravel()]).reshape(places.shape) > 0


def _ndcg(hits: Bools, wanted: Ints) -> Floats:
    discount = 1.0 / np.log2(np.arange(2, K + 2))
    best = np.cumsum(discount)[np.clip(wanted, 1, K) - 1]
    return np.asarray((hits * discount[: hits.shape[1]]).sum(1) / best)


def _matrix(rows: Sequence[Sequence[int]], n: int) -> sparse.csr_matrix:
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)])
    items = np.array([place for row in rows for place in row], np.int64)
    return sparse.csr_matrix((np.ones(len(items), np.float32), items, starts), shape=(len(rows), n))
