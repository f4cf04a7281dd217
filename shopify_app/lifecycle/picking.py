"""Which products a shopper is shown: the table's answer, the merchant's rules, and never nothing while there is a way.

Published lists and answers to carts come from here alike, so that both keep the same rules.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from ml.recommend.customers import AGAIN, CustomerTable
from ml.recommend.neighbours import CARTS, HOME, NeighbourTable
from shopify_app.lifecycle.rules import Ware
from shopify_app.lifecycle.shelf import Shelf

PAGE = "product_page"
CHOICE = 4
"""So many times what is shown is looked at for enough of other kinds."""


def pick(table: NeighbourTable, asked: Sequence[int], limit: int, shelf: Shelf) -> tuple[int, ...]:
    """The best `limit` products on sale beside these: the list's own, then what sells most.

    Rules that leave nothing are set aside; then come the newest rather than nothing at all. Nothing is left only when
    the shop has nothing else to sell.
    """
    rules = shelf.rules
    if not rules.needs_wares and not rules.pinned and not rules.pins:
        return _best(table, asked, limit, shelf.lacks) or _newest(shelf, asked, limit)
    first = [one for one in rules.first(asked) if one in shelf.products and one not in asked][:limit]
    beside = tuple(shelf.wares[one] for one in asked if one in shelf.wares)
    rest = _fitting(table, asked, limit - len(first), _Barred(shelf, frozenset(first), beside))
    if not first and not rest:
        rest = list(_best(table, asked, limit, shelf.lacks))
    return (*first, *rest) or _newest(shelf, asked, limit)


def pick_own(
    table: CustomerTable, kind: str, customer: str, asked: Sequence[int], limit: int, shelf: Shelf
) -> tuple[int, ...]:
    """The best `limit` of a customer's own list that are on sale; none when the customer has no such list.

    What a shop leaves out is left out here, too. What was bought before is shown again whatever its kind.
    """
    barred, rules = _Barred(shelf, frozenset(asked)), shelf.rules
    if kind == AGAIN or not rules.varies:
        return tuple(table.products(kind, customer, limit, exclude=barred))
    return tuple(rules.varied(table.products(kind, customer, CHOICE * limit, exclude=barred), shelf.wares, limit))


def place(asked: Sequence[int]) -> str:
    """The place that so many products stand for, by the names that lists are chosen for."""
    if not asked:
        return HOME
    carts = [name for name, least in CARTS.items() if len(asked) >= least]
    return carts[-1] if carts else PAGE


@dataclass(frozen=True)
class _Barred:
    """What may not be shown in one answer."""

    shelf: Shelf
    taken: frozenset[int] = frozenset()
    beside: tuple[Ware, ...] = ()

    def __contains__(self, product_id: object) -> bool:
        if product_id not in self.shelf.products or product_id in self.taken:
            return True
        if not self.beside:
            return False
        ware = self.shelf.wares.get(product_id)
        return ware is not None and self.shelf.rules.unfit(ware, self.beside) is not None


def _fitting(table: NeighbourTable, asked: Sequence[int], limit: int, barred: _Barred) -> list[int]:
    rules = barred.shelf.rules
    if limit <= 0:
        return []
    if not rules.varies:
        return list(_best(table, asked, limit, barred))
    return rules.varied(_best(table, asked, CHOICE * limit, barred), barred.shelf.wares, limit)


def _best(table: NeighbourTable, asked: Sequence[int], limit: int, barred: Container[int]) -> tuple[int, ...]:
    return tuple(near.product_id for near in table.recommend(asked, limit, exclude=barred))


def _newest(shelf: Shelf, asked: Sequence[int], limit: int) -> tuple[int, ...]:
    return tuple(product for product in shelf.newest if product not in asked)[:limit]
