"""Which products a shopper is shown: the table's answer, the merchant's rules, and never nothing while there is a way.

Published lists and answers to carts come from here alike, so that both keep the same rules.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ml.recommend.customers import AGAIN, CustomerTable
from ml.recommend.neighbours import CARTS, HOME, NeighbourTable
from shopify_app.lifecycle.rules import Rules
from shopify_app.lifecycle.shelf import Shelf
from shopify_app.lifecycle.wares import Named, Wares, varied

PAGE = "product_page"
CHOICE = 4
"""So many times what is shown is looked at for enough of other kinds."""


def pick(table: NeighbourTable, asked: Sequence[int], limit: int, shelf: Shelf) -> tuple[int, ...]:
    """The best `limit` products on sale beside these: the list's own, then what sells most.

    Rules that leave nothing are set aside; then come the newest rather than nothing at all. Nothing is left only when
    the shop has nothing else to sell.
    """
    first = [one for one in shelf.rules.first(asked) if one in shelf.products and one not in asked][:limit]
    rest = _fitting(table, asked, limit - len(first), shelf, first)
    if not first and not rest and shelf.wares is not None:
        rest = list(islice(_sold(table, asked, shelf, set(asked)), limit))
    return (*first, *rest) or _newest(shelf, asked, limit)


def pick_own(
    table: CustomerTable, kind: str, customer: str, asked: Sequence[int], limit: int, shelf: Shelf
) -> tuple[int, ...]:
    """The best `limit` of a customer's own list that are on sale; none when the customer has no such list.

    What a shop leaves out is left out here, too. What was bought before is shown again whatever its kind.
    """
    barred = _Barred(shelf.products, frozenset(asked))
    if kind == AGAIN or shelf.wares is None or not shelf.rules.varies:
        return tuple(table.products(kind, customer, limit, exclude=barred))
    wanted = np.array(table.products(kind, customer, CHOICE * limit, exclude=barred), np.int64)
    return tuple(varied(shelf.wares.of_these(wanted).named(np.arange(len(wanted))), shelf.rules, limit))


def place(asked: Sequence[int]) -> str:
    """The place that so many products stand for, by the names that lists are chosen for."""
    if not asked:
        return HOME
    carts = [name for name, least in CARTS.items() if len(asked) >= least]
    return carts[-1] if carts else PAGE


@dataclass(frozen=True)
class _Barred:
    """What may not be shown in one answer."""

    products: frozenset[int]
    taken: frozenset[int]

    def __contains__(self, product_id: object) -> bool:
        return product_id not in self.products or product_id in self.taken


def _fitting(table: NeighbourTable, asked: Sequence[int], limit: int, shelf: Shelf, first: Sequence[int]) -> list[int]:
    """The best that go with what is asked about by the shop's rules; what is shown `first` is not said again."""
    if limit <= 0:
        return []
    taken = {*asked, *first}
    if shelf.wares is None:
        return list(islice(_sold(table, asked, shelf, taken), limit))
    found = _suited(table, asked, shelf.wares, shelf.rules, taken)
    if shelf.rules.varies:
        return varied(islice(found, CHOICE * limit), shelf.rules, limit)
    return [product for product, _, _ in islice(found, limit)]


def _sold(table: NeighbourTable, asked: Sequence[int], shelf: Shelf, taken: set[int]) -> Iterator[int]:
    """What the table says and may be shown at all, each once."""
    for ids, places in table.in_turn(asked):
        for product in ids[places].tolist():
            if product in shelf.products and product not in taken:
                taken.add(product)
                yield product


def _suited(
    table: NeighbourTable, asked: Sequence[int], wares: Wares, rules: Rules, taken: set[int]
) -> Iterator[Named]:
    """What the table says and the rules let stand beside what is asked about, each once."""
    beside = wares.beside(asked, rules)
    for ids, places in table.in_turn(asked):
        columns = wares.along(ids)
        for one in columns.named(columns.fitting(places, beside)):
            if one[0] not in taken:
                taken.add(one[0])
                yield one


def _newest(shelf: Shelf, asked: Sequence[int], limit: int) -> tuple[int, ...]:
    return tuple(product for product in shelf.newest if product not in asked)[:limit]
