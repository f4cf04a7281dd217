"""Settings of a forecast fit, each with the default that was measured to be good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ml.errors import BadConfig


@dataclass(frozen=True)
class ForecastConfig:
    """How to fit and choose. Training rows, rounds and leaves bound the cost; the rest says when to trust what."""

    members: tuple[str, ...] = ("naive", "weekday", "tsb", "xgb")
    """Which members may lead; naive does when none of them can."""
    totals: tuple[str, ...] = ("steady", "echo", "yearly", "blend", "prophet", "both")
    """Which views of the shop's total may lead."""
    rows: int = 40_000
    rounds: int = 80
    leaves: int = 63
    eta: float = 0.08
    cap_quantile: float = 0.95
    """A day above this quantile of a product's own selling days is a bulk order: learned from as if it were this."""
    min_days: int = 56
    min_orders: int = 200
    """Below either, seasonal naive leads and says so."""
    sold_within_days: int = 182
    """Products without a sale for longer are not forecast."""
    most_bias: float = 0.10
    """No member leads with a larger shop bias, unless naive's is larger still."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the bundle."""
        return {**asdict(self), "members": list(self.members), "totals": list(self.totals)}


def read_config(values: Mapping[str, Any]) -> ForecastConfig:
    """The defaults with these values put over them. Raises BadConfig naming an unknown or impossible setting."""
    known = {field.name: field for field in fields(ForecastConfig)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise BadConfig(f"unknown setting {', '.join(unknown)}; known are {', '.join(known)}")
    defaults = ForecastConfig().as_dict()
    for name, value in values.items():
        _check(name, value, defaults[name])
    merged = {**defaults, **values}
    return ForecastConfig(**{**merged, "members": tuple(merged["members"]), "totals": tuple(merged["totals"])})


def _check(name: str, value: Any, default: Any) -> None:
    if isinstance(default, list):
        if not value or isinstance(value, str) or not set(value) <= set(default):
            raise BadConfig(f"{name} is {value!r}, expected some of {', '.join(default)}")
    elif isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        raise BadConfig(f"{name} is {value!r}, expected a number above 0 such as {default}")
    elif isinstance(default, int) and not isinstance(value, int):
        raise BadConfig(f"{name} is {value!r}, expected a whole number such as {default}")
