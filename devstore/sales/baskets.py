"""What goes into one order: a first product by taste, then mostly what goes along with it."""

import numpy as np

from devstore.sales.arrays import Bools, Floats, Ints
from devstore.sales.catalogue import LINKS, Catalogue

MORE = 0.42
"""Chance of one more product after each one."""
MOST = 7
COMPLEMENT = 0.68
LINK_REACH = np.cumsum([0.30, 0.22, 0.17, 0.13, 0.10, 0.08])
"""How often each of a product's complements is the one taken along, cumulated."""


def fill(rng: np.random.Generator, catalogue: Catalogue, appeal: Floats, liking: Floats) -> Ints:
    """Products of each order, shape (orders, MOST), -1 where a basket has no more.

    appeal: what each product weighs today, zero when it is not on sale. liking: taste per order and department.
    """
    reach = np.cumsum(appeal * liking[:, catalogue.departments], axis=1)
    orders = len(liking)
    baskets = np.full((orders, MOST), -1)
    baskets[:, 0] = _pick(rng, reach)
    rows = np.arange(orders)
    for place in range(1, MOST):
        rows = rows[rng.random(len(rows)) < MORE]
        held = baskets[rows, :place]
        wanted = _next(rng, catalogue, appeal, reach[rows], held)
        fresh = ~(held == wanted[:, None]).any(axis=1)
        baskets[rows[fresh], place] = wanted[fresh]
    return baskets


def units(rng: np.random.Generator, catalogue: Catalogue, products: Ints) -> Ints:
    """Units of each line: one, and now and then more of what is bought by the handful."""
    return 1 + rng.poisson(catalogue.extra_units[products])


def _pick(rng: np.random.Generator, reach: Floats) -> Ints:
    """One product per row, with chances in proportion to the steps of `reach` (cumulated weights)."""
    target = rng.random(len(reach)) * reach[:, -1]
    steps = (reach <= target[:, None]).sum(axis=1)
    return np.asarray(np.minimum(steps, reach.shape[1] - 1), dtype=np.int64)


def _next(rng: np.random.Generator, catalogue: Catalogue, appeal: Floats, reach: Floats, held: Ints) -> Ints:
    """A complement of something held if chance and stock of ideas allow, else another product to the taste."""
    rows = np.arange(len(held))
    anchor = held[rows, rng.integers(0, held.shape[1], len(held))]
    anchor = np.where(anchor < 0, held[:, 0], anchor)
    link = np.minimum(np.searchsorted(LINK_REACH, rng.random(len(held))), LINKS - 1)
    along = catalogue.complements[anchor, link]
    taken: Bools = (rng.random(len(held)) < COMPLEMENT) & (along >= 0) & (appeal[along] > 0)
    return np.where(taken, along, _pick(rng, reach))
