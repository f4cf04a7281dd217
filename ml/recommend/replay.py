"""Replay: would these lists have shown what the orders that came then held?"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ml.recommend.neighbours import NeighbourTable
from ml.sales import Bools

K = 10
LARGEST = 50
"""Larger orders are stock-ups; they say little about what a shopper wants to see."""

Order = tuple[int, Iterable[int]]
"""An order id with the product ids in it."""


@dataclass(frozen=True)
class Question:
    """One order with one product hidden. shown: the rest, in ascending order."""

    order_id: int
    shown: tuple[int, ...]
    hidden: int


def questions(orders: Iterable[Order]) -> list[Question]:
    """One question per order of 2 to 50 distinct products; which one is hidden follows from the order's id alone."""
    asked = []
    for order_id, products in orders:
        distinct = sorted({int(product) for product in products})
        if 2 <= len(distinct) <= LARGEST:
            hidden = distinct[_draw(f"{order_id}", len(distinct))]
            asked.append(Question(int(order_id), tuple(p for p in distinct if p != hidden), hidden))
    return asked


def hits(table: NeighbourTable, orders: Iterable[Order], k: int = K) -> Bools:
    """For each question these orders give: whether the first `k` recommended for the rest held the hidden product.

    The questions depend on the orders alone, so that the answers of two tables to the same orders are paired.
    """
    found = [
        any(one.product_id == question.hidden for one in table.recommend(question.shown, k))
        for question in questions(orders)
    ]
    return np.array(found, dtype=bool)


def page_of(question: Question) -> int:
    """The product of the order whose page is looked at; which one follows from the order's id."""
    products = sorted((*question.shown, question.hidden))
    return products[_draw(f"q{question.order_id}", len(products))]


def _draw(text: str, n: int) -> int:
    return zlib.crc32(text.encode()) % n
