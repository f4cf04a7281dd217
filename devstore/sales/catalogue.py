"""The catalogue of a synthetic shop: what it offers, from which day, and the truth behind its demand."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from devstore.sales.arrays import Floats, Ints
from devstore.sales.assortment import DEPARTMENTS, KINDS, SERIES, Kind
from devstore.sales.chance import Purpose, stream

FUTURE_SHARE = 0.25
"""New products that come after the history, as a share of the catalogue."""
LAUNCH_EVERY_DAYS = 24
LAUNCHED_SHARE = 0.3
LINKS = 6
"""Complements per product at most."""


@dataclass(frozen=True)
class Catalogue:
    """Products as columns; position in a column is the product's index everywhere in the simulation."""

    titles: tuple[str, ...]
    kinds: tuple[Kind, ...]
    vendors: tuple[str, ...]
    departments: Ints
    base_cents: Ints
    popularity: Floats
    elasticity: Floats
    launch_day: Ints
    """Ordinal of the first day on sale; products as old as the shop carry a day before it."""
    complements: Ints
    """Shape (products, LINKS): indices of what goes along, -1 where there is nothing more."""

    def __len__(self) -> int:
        return len(self.titles)

    @cached_property
    def extra_units(self) -> Floats:
        """Mean units above one in a line."""
        return np.array([kind.extra_units for kind in self.kinds])

    @cached_property
    def return_rate(self) -> Floats:
        """Chance that a line comes back."""
        return np.array([DEPARTMENTS[index].return_rate for index in self.departments])


def build(seed: int, products: int, first_day: date, history_until: date) -> Catalogue:
    """The catalogue of this seed: `products` on sale at the end of the history, more launched later."""
    rng = stream(seed, Purpose.CATALOGUE)
    named = _names(rng, products + round(products * FUTURE_SHARE))
    kinds = tuple(kind for _, kind in named)
    base = np.array([_list_price(kind.price * rng.lognormal(0, 0.16)) for kind in kinds])
    departments = np.array([_department(kind) for kind in kinds])
    return Catalogue(
        titles=tuple(title for title, _ in named),
        kinds=kinds,
        vendors=tuple(str(rng.choice(DEPARTMENTS[index].vendors)) for index in departments),
        departments=departments,
        base_cents=base,
        popularity=_popularity(rng, base, products),
        elasticity=np.clip(rng.normal(-2.6, 0.8, len(kinds)), -5.0, -1.0),
        launch_day=_launches(rng, len(kinds), products, first_day.toordinal(), history_until.toordinal()),
        complements=_complements(rng, kinds),
    )


def _names(rng: np.random.Generator, wanted: int) -> list[tuple[str, Kind]]:
    """Each kind once under a first series name, then again under a second, until there are enough; mixed at the end."""
    series = {kind.name: rng.permutation(SERIES) for kind in KINDS}
    named = [(f"{series[kind.name][turn]} {kind.name}", kind) for turn in range(len(SERIES)) for kind in KINDS]
    return [named[position] for position in rng.permutation(min(wanted, len(named)))]


def _department(kind: Kind) -> int:
    return next(index for index, entry in enumerate(DEPARTMENTS) if entry.name == kind.product_type)


def _list_price(units: float) -> int:
    """A price as a small shop would write it, in cents: whole units, halves when it is cheap."""
    return max(round(units * 2) * 50, 300) if units < 15 else round(units) * 100


def _popularity(rng: np.random.Generator, base_cents: Ints, products: int) -> Floats:
    """Zipf-Mandelbrot over a random ranking in which cheap things tend to the top; the first `products` sum to one.

    The long tail of online shops is steeper than plain Zipf at its end (Brynjolfsson, Hu, Simester 2011).
    """
    ranking = np.argsort(np.argsort(0.35 * np.log(base_cents) + rng.normal(0, 1, len(base_cents))))
    weight = (ranking + 6.0) ** -1.0
    return np.asarray(weight / weight[:products].sum(), dtype=np.float64)


def _launches(rng: np.random.Generator, total: int, products: int, first: int, until: int) -> Ints:
    """Most products are older than the history, some are launched in it, the last ones after it."""
    days = np.full(total, first - 400)
    launched = round(products * LAUNCHED_SHARE)
    days[:launched] = np.sort(rng.integers(first + 14, max(until - 3, first + 15), launched))
    later = np.arange(total - products)
    days[products:] = until + 5 + later * LAUNCH_EVERY_DAYS + rng.integers(0, 12, len(later))
    return days


def _complements(rng: np.random.Generator, kinds: tuple[Kind, ...]) -> Ints:
    """For each product one or two members of each kind that goes along with its own."""
    members: dict[str, list[int]] = {}
    for index, kind in enumerate(kinds):
        members.setdefault(kind.name, []).append(index)
    table = np.full((len(kinds), LINKS), -1)
    for index, kind in enumerate(kinds):
        found = [pick for name in kind.goes_with for pick in _some(rng, members.get(name, []), 2)]
        table[index, : len(found)] = found[:LINKS]
    return table


def _some(rng: np.random.Generator, options: list[int], most: int) -> list[int]:
    return [int(pick) for pick in rng.permutation(options)[:most]]
