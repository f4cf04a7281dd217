"""Which list serves which place: each place takes the one that did best on the newest orders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ml.recommend import blend, content, ease, hint, popular, together, trending, viewed
from ml.recommend.evidence import Evidence
from ml.recommend.neighbours import CartLists, NeighbourTable
from ml.recommend.trial import FULL_CART, HOME, PAGE, PLACES, SMALL_CART, Questions, gains
from ml.sales import Floats, Ints

CART_BLEND = "cart blend"
CHOICES = {
    PAGE: (blend.NAME, together.NAME, viewed.NAME, content.NAME, popular.NAME),
    SMALL_CART: (CART_BLEND, together.NAME, viewed.NAME, content.NAME, popular.NAME),
    FULL_CART: (ease.NAME, CART_BLEND, together.NAME, content.NAME, popular.NAME),
    HOME: (popular.NAME, trending.NAME),
}
"""What may serve a place; the first does until enough orders say otherwise."""
ENOUGH = 30
"""Questions below which a trial decides nothing."""


class Lists:
    """Every list of one shop at one moment, each fitted when it is first asked for."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    def named(self, name: str) -> NeighbourTable:
        """The list of that name."""
        return {
            blend.NAME: lambda: self._page,
            CART_BLEND: lambda: self._cart,
            together.NAME: lambda: self._together,
            content.NAME: lambda: self._content,
            ease.NAME: lambda: self._ease,
            hint.NAME: lambda: self._hint,
            viewed.NAME: lambda: self._viewed,
            popular.NAME: lambda: self._popular,
            trending.NAME: lambda: trending.fit(self.evidence),
        }[name]()

    def computed(self, name: str) -> NeighbourTable | None:
        """The list of that name, if it was fitted."""
        return self.__dict__.get(f"_{name}")

    @cached_property
    def wide(self) -> tuple[Ints, Floats]:
        """Bought together, more of it than is shown: blends begin here."""
        return together.wide(self.evidence, blend.WIDE)

    @cached_property
    def _together(self) -> NeighbourTable:
        (index, scores), width = self.wide, self.evidence.config.neighbours
        return self.evidence.table(index[:, :width], scores[:, :width])

    @cached_property
    def _content(self) -> NeighbourTable:
        return content.fit(self.evidence)

    @cached_property
    def _ease(self) -> NeighbourTable:
        return ease.fit(self.evidence)

    @cached_property
    def _hint(self) -> NeighbourTable:
        return hint.fit(self.evidence)

    @cached_property
    def _viewed(self) -> NeighbourTable:
        return viewed.fit(self.evidence)

    @cached_property
    def _page(self) -> NeighbourTable:
        return blend.for_page(self.evidence, *self.wide, self._hint if self.evidence.is_deep else self._content)

    @cached_property
    def _cart(self) -> NeighbourTable:
        return blend.for_cart(self.evidence, *self.wide, self._hint, self._ease)

    @cached_property
    def _popular(self) -> NeighbourTable:
        return popular.fit(self.evidence)


@dataclass(frozen=True)
class Choice:
    """The list that serves a place, and what every list was measured to do there (NDCG@10 by question)."""

    name: str
    measured: Mapping[str, Floats]

    @property
    def figures(self) -> dict[str, Any] | None:
        """The chosen list's mean beside the others'; None when nothing was measured."""
        mine = self.measured.get(self.name)
        if mine is None or len(mine) == 0:
            return None
        means = {name: float(values.mean()) for name, values in self.measured.items()}
        error = float(mine.std() / np.sqrt(len(mine)))
        return {"list": self.name, "n": len(mine), "standard_error": error, "ndcg_10": means}


def choose(past: Lists, asked: Mapping[str, Questions]) -> dict[str, Choice]:
    """For each place the list fitted on the past that answered its questions best."""
    return {place: _best(place, past, asked[place]) for place in PLACES}


def untried(evidence: Evidence) -> dict[str, Choice]:
    """What serves while there are no orders to try lists on: products described alike, else what sells."""
    near = popular.NAME if evidence.catalogue is None else content.NAME
    return {place: Choice(popular.NAME if place == HOME else near, {}) for place in PLACES}


def assemble(lists: Lists, choices: Mapping[str, Choice]) -> NeighbourTable:
    """The table to serve: the page's list, lists for carts where another list does better, the home list."""
    page = lists.named(choices[PAGE].name)
    carts, serving = {}, choices[PAGE].name
    for place in (SMALL_CART, FULL_CART):
        if choices[place].name != serving:
            serving = choices[place].name
            table = lists.named(serving)
            carts[place] = CartLists(table.index, table.scores)
    home = lists.named(trending.NAME).popular if choices[HOME].name == trending.NAME else None
    return replace(page, carts=carts, home=home)


def _best(place: str, lists: Lists, asked: Questions) -> Choice:
    measured = dict(_measured(place, lists, asked))
    if len(asked) < ENOUGH:
        return Choice(next(iter(measured)), measured)
    return Choice(max(measured, key=lambda name: float(measured[name].mean())), measured)


def _measured(place: str, lists: Lists, asked: Questions) -> Iterator[tuple[str, Floats]]:
    for name in CHOICES[place]:
        if name == content.NAME and lists.evidence.catalogue is None:
            continue
        if name == viewed.NAME and not viewed.is_enough(lists.evidence):
            continue
        table = lists.named(name)
        fillers = np.searchsorted(table.product_ids, table.popular)
        yield name, gains(CartLists(table.index, table.scores), fillers, asked)
