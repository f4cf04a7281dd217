"""A recommender fit: the lists of every place from all orders, chosen by how they did on the newest ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ml.baskets import Baskets
from ml.errors import NothingSold
from ml.recommend import content, places, popular, trial
from ml.recommend.catalogue import Catalogue
from ml.recommend.config import RecommendConfig
from ml.recommend.evidence import Evidence
from ml.recommend.neighbours import NeighbourTable
from ml.recommend.places import Choice, Lists
from ml.recommend.steps import Steps
from ml.sales import Floats

Say = Callable[[str], None]

MOST_QUESTIONS = 1_000
"""Newest orders asked about: more would make the figures no surer than their shop is steady."""
TRIAL_DAYS, TRIAL_PRODUCTS = 210.0, 2_000


@dataclass(frozen=True)
class Fitted:
    """The table to serve, which list the product page shows, why, what it was measured to do, and what is behind it."""

    table: NeighbourTable
    algorithm: str
    because: str
    metrics: dict[str, Any]
    evidence: Evidence
    choices: Mapping[str, Choice]
    lists: Lists


def fit_lists(
    baskets: Baskets,
    config: RecommendConfig,
    say: Say,
    catalogue: Catalogue | None = None,
    looked_at: int = 0,
    steps: Steps | None = None,
) -> Fitted:
    """The lists to serve. `looked_at`: the moment, in seconds since 1970, that the orders' ages are seen from."""
    if len(baskets) == 0:
        raise NothingSold("recommend: not one order")
    whole = Evidence.of(baskets, config, catalogue, looked_at, steps)
    choices = _choices(whole, say)
    say(f"fitting lists on {len(whole.baskets)} orders, {whole.n} products")
    lists = Lists(whole)
    table = places.assemble(lists, choices)
    name = choices[trial.PAGE].name
    return Fitted(table, name, _told(choices, whole), _figures(choices, whole), whole, choices, lists)


def _choices(whole: Evidence, say: Say) -> dict[str, Choice]:
    """Which list serves which place: tried on the newest orders where there are enough."""
    if len(whole.baskets) < whole.config.min_orders:
        return places.untried(whole)
    past, held_out = _trial(whole)
    say(f"trying lists on the newest {len(held_out)} orders")
    return places.choose(Lists(past), trial.asked(held_out, MOST_QUESTIONS))


def _trial(whole: Evidence) -> tuple[Evidence, Baskets]:
    """Half a year of the leading products' orders, and the newest that followed: as telling as all, at a fraction."""
    config, baskets = whole.config, whole.baskets
    order = np.lexsort((np.arange(whole.n), -whole.sold_within(TRIAL_DAYS)))
    leading = baskets.products[np.sort(order[:TRIAL_PRODUCTS])]
    newest = baskets.age < config.holdout_days
    older = baskets.chosen(~newest & (baskets.age < TRIAL_DAYS)).among(baskets.products).only(leading)
    held_out = baskets.chosen(newest).among(baskets.products).only(leading)
    if not whole.is_deep:
        config = replace(config, deep_products=1)
    catalogue = whole.catalogue.among(leading) if whole.catalogue else None
    steps = whole.steps.before(config.holdout_days) if whole.steps else None
    return Evidence.of(older.aged(config.holdout_days), config, catalogue, steps=steps), held_out


def _figures(choices: Mapping[str, Choice], whole: Evidence) -> dict[str, Any]:
    """What the bundle says about itself."""
    page, cart = choices[trial.PAGE], choices[trial.SMALL_CART]
    asked = len(next(iter(page.measured.values()), ()))
    return {
        "n_orders": len(whole.baskets),
        "n_products": whole.n,
        "holdout_orders": asked,
        "product_page": _figure("ndcg_10", page, lambda gains: gains) if asked else None,
        "cart": _figure("hit_rate_10", cart, lambda gains: gains > 0) if asked else None,
        "places": {place: choice.figures or {"list": choice.name} for place, choice in choices.items()},
    }


def _figure(name: str, choice: Choice, of: Callable[[Floats], Any]) -> dict[str, Any]:
    """A mean per order beside that of popular."""
    values = np.asarray(of(choice.measured[choice.name]), dtype=np.float64)
    return {
        name: float(values.mean()),
        f"popular_{name}": float(np.mean(of(choice.measured[popular.NAME]))),
        "standard_error": float(values.std() / np.sqrt(len(values))),
        "n": len(values),
    }


def _told(choices: Mapping[str, Choice], whole: Evidence) -> str:
    page, orders = choices[trial.PAGE], len(whole.baskets)
    if orders < whole.config.min_orders:
        alike = "products described alike and " if page.name == content.NAME else ""
        return (
            f"{page.name} leads: {orders} orders, {whole.config.min_orders} are needed to tell what goes together; "
            f"until then {alike}what sells most is shown"
        )
    serving = ", ".join(f"{place.replace('_', ' ')} {choice.name}" for place, choice in choices.items())
    figures = page.figures
    if figures is None or figures["n"] < places.ENOUGH:
        return f"{page.name} leads: the newest orders hold too few pairs to compare lists; {serving}"
    others = {name: mean for name, mean in figures["ndcg_10"].items() if name != page.name}
    rival = max(others, key=lambda name: others[name])
    return (
        f"{page.name} beats {rival} on the newest {figures['n']} orders: product-page NDCG@10 "
        f"{figures['ndcg_10'][page.name]:.3f} against {others[rival]:.3f}; {serving}"
    )
