"""Settings of a recommender fit, each with the default that was measured to be good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ml.errors import BadConfig


@dataclass(frozen=True)
class RecommendConfig:
    """How orders are weighed and how long lists are."""

    half_life_days: float = 120.0
    size_power: float = 0.75
    """An order of n products weighs n to the minus this."""
    people_share: float = 0.5
    """How much what the same people bought weighs beside what was in the same order."""
    people_half_life_days: float = 180.0
    neighbours: int = 50
    ease_products: int = 5_000
    """The most sold products that EASE looks at: its cost grows with their cube."""
    ease_ridge: float = 2.0
    ease_dropout: float = 0.2
    """Ridge as a share of a product's own count, as if every cart had lost that share of its products."""
    ease_content: float = 1.0
    """Fresh orders that the same description of two products is worth."""
    ease_neighbours: int = 400
    deep_products: int = 10_000
    """Larger catalogues get bought together alone: the rest costs more than a fit may."""
    personal: bool = False
    """Whether to train personal lists, where enough customers came back."""
    personal_customers: int = 300
    """Customers who bought again in a month, below which nothing is learned from them."""
    popular_days: float = 28.0
    holdout_days: float = 28.0
    """Newest orders that the validated figures are measured on."""
    min_orders: int = 200
    """Below this, popular leads and says so."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the bundle."""
        return asdict(self)


def read_config(values: Mapping[str, Any]) -> RecommendConfig:
    """The defaults with these values put over them. Raises BadConfig naming an unknown or impossible setting."""
    defaults = RecommendConfig().as_dict()
    unknown = sorted(set(values) - set(defaults))
    if unknown:
        raise BadConfig(f"unknown setting {', '.join(unknown)}; known are {', '.join(defaults)}")
    for name, value in values.items():
        if isinstance(defaults[name], bool):
            if not isinstance(value, bool):
                raise BadConfig(f"{name} is {value!r}, expected true or false")
            continue
        whole = isinstance(defaults[name], int)
        if isinstance(value, bool) or not isinstance(value, (int,) if whole else (int, float)) or value <= 0:
            raise BadConfig(
                f"{name} is {value!r}, expected a {'whole ' * whole}number above 0 such as {defaults[name]}"
            )
    return RecommendConfig(**{**defaults, **values})
