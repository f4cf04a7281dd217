"""The lines an order file really sold, as columns: what both file formats are cleaned to."""

from dataclasses import dataclass

import numpy as np

from devstore.sales import numbering
from devstore.sales.arrays import Bools, Floats, Ints, Small
from devstore.sales.ledger import NEVER


@dataclass(frozen=True)
class Named:
    """A column of names: positions into distinct values, -1 where there is none."""

    position: Small
    values: list[str]

    def only(self, kept: Bools) -> "Named":
        """The entries that are kept; the distinct values stay."""
        return Named(self.position[kept], self.values)


@dataclass(frozen=True)
class Numbered:
    """A column of ids: positions into distinct ids, whose last entry stands for "none" and is reached by -1."""

    position: Small
    ids: Ints

    def only(self, kept: Bools) -> "Numbered":
        """The entries that are kept; the distinct ids stay."""
        return Numbered(self.position[kept], self.ids)

    @property
    def known(self) -> Bools:
        """Where there is an id."""
        return np.asarray((self.ids != NEVER)[self.position], dtype=bool)


@dataclass(frozen=True)
class SoldLines:
    """One entry per line, in any order."""

    order: Numbered
    customer: Numbered
    product: Numbered
    units: Small
    cents: Small
    created: Ints
    """Seconds on the shop's clock."""
    title: Named
    product_type: Named | None = None
    """None when the file says nothing about it."""

    def __len__(self) -> int:
        return len(self.units)

    def only(self, kept: Bools) -> "SoldLines":
        """These lines alone."""
        return SoldLines(
            order=self.order.only(kept),
            customer=self.customer.only(kept),
            product=self.product.only(kept),
            units=self.units[kept],
            cents=self.cents[kept],
            created=self.created[kept],
            title=self.title.only(kept),
            product_type=self.product_type.only(kept) if self.product_type else None,
        )


def numbered(position: Small, names: list[str]) -> Numbered:
    """Ids for a column of names. Raises ValueError if two names would share an id."""
    ids = [numbering.of_text(name) for name in names]
    if len(set(ids)) < len({name.strip() for name in names}):
        raise ValueError("two names of the order file get the same number; write ids as whole numbers")
    return Numbered(position, np.array([*ids, NEVER], dtype=np.int64))


def whole(values: Floats) -> Small:
    """Numbers as whole ones; ValueError when one is too large to be true."""
    if len(values) and np.abs(values).max() > np.iinfo(np.int32).max:
        raise ValueError(f"the order file holds the number {np.abs(values).max():.0f}, too large for units or prices")
    return np.asarray(np.round(values), dtype=np.int32)
