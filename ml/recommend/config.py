"""Settings of a recommender fit, each with the default that was measured to be good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ml.errors import BadConfig


@dataclass(frozen=True)
class RecommendConfig:
    """How orders are weighed and how long lists are."""

    half_life_days: float = 90.0
    size_power: float = 0.5
    """An order of n products weighs n to the minus this."""
    neighbours: int = 50
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
        whole = isinstance(defaults[name], int)
        if isinstance(value, bool) or not isinstance(value, (int,) if whole else (int, float)) or value <= 0:
            raise BadConfig(
                f"{name} is {value!r}, expected a {'whole ' * whole}number above 0 such as {defaults[name]}"
            )
    return RecommendConfig(**{**defaults, **values})
