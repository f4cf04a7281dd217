"""The numbers a shop may change, with their defaults: one place for code, pages and docs."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from shopify_app.errors import ForetallyError


@dataclass(frozen=True)
class Policy:
    """How a shop wants to be served: what pages show, and `set` takes."""

    retrain_orders: int = 500
    """Distinct new orders that start a retrain; a second one on the same day is a refresh."""
    fit_every_days: int = 1
    """A new day starts a full fit when the last one is this old, else a refresh. 14, with many orders, is thrifty."""
    shadow_share: float = 0.05
    """Share of answers for which the shadow is asked too."""
    shadow_days: int = 1
    """Business days a refreshed version shadows before it may be promoted."""
    promote_automatically: bool = True
    target: float = 0.92
    """Share of the validated accuracy (or retained quality) below which the app speaks up."""
    warn_nights: int = 3
    """Nightly checks in a row below target before a warning."""
    rollback_deadline_hours: float = 24.0
    """When no Flow workflow has acted by then, the app rolls back itself. 0 leaves it to Flow alone."""
    cooling_days: int = 7
    """After a rollback or a change by hand, nothing is promoted automatically for this long."""
    max_rollbacks: int = 2
    """Automatic rollbacks in 30 days; with the last one the slot is frozen until a person looks. 0 allows none."""
    publish_lists: bool = True
    """Write recommendation lists to product metafields."""
    list_length: int = 8
    personal_lists: bool = False
    """Learn what each customer may want next, where enough come back, and show it where it was surely better on the
    newest month. Costs five times as much as all other lists."""
    lead_days: int = 14
    """Days from an order to its delivery, for vendors without terms of their own."""
    service_level: float = 0.95
    """Share of deliveries before which the shelf should not be empty."""
    cover_days: int = 28
    """How long an order should last once it is there."""
    least_units: int = 1
    """Smallest order of a product."""
    pack_units: int = 1
    """A product is ordered in multiples of this."""
    keep_snapshots_days: int = 30
    """A snapshot that no version needs goes after this long."""
    keep_versions_days: int = 90
    """A version that no longer answers keeps its snapshot for this long, so that it can be trained again."""
    keep_bundles_days: int = 30
    """A version that no longer answers keeps its files for this long; later it has to be trained again for them."""
    keep_events_days: int = 1095
    """Sealed events go after this long; until then any range of them can be replayed."""

    keep_views_days: int = 90
    """What visitors looked at, as the web pixel tells, goes after this long."""

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Policy":
        """The defaults with this shop's changes. Unknown names are ignored: an older release may have written them."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in settings.items() if name in known})


BOUNDS: dict[str, tuple[float, float]] = {
    "retrain_orders": (50, 100_000),
    "fit_every_days": (1, 28),
    "shadow_share": (0.0, 1.0),
    "shadow_days": (1, 28),
    "target": (0.5, 0.99),
    "warn_nights": (1, 14),
    "rollback_deadline_hours": (0.0, 168.0),
    "cooling_days": (0, 60),
    "max_rollbacks": (0, 10),
    "list_length": (1, 20),
    "lead_days": (1, 180),
    "service_level": (0.5, 0.995),
    "cover_days": (1, 180),
    "least_units": (1, 100_000),
    "pack_units": (1, 100_000),
    "keep_snapshots_days": (1, 3650),
    "keep_versions_days": (1, 3650),
    "keep_bundles_days": (1, 3650),
    "keep_events_days": (1, 3650),
    "keep_views_days": (1, 365),
}
"""What a person may set each number to."""


class BadSetting(ForetallyError):
    """A shop setting has no such name, or cannot have this value; the text is fit for the field beside it."""


def parse(name: str, text: str) -> bool | int | float:
    """The value of one setting as a person typed it. Raises BadSetting with what is allowed."""
    defaults: dict[str, bool | int | float] = {field.name: getattr(Policy, field.name) for field in fields(Policy)}
    if name not in defaults:
        raise BadSetting(f"there is no setting {name}; known are {', '.join(defaults)}")
    if isinstance(defaults[name], bool):
        if text.lower() not in ("true", "false", "on", "off"):
            raise BadSetting(f"{name} is on or off, not {text!r}")
        return text.lower() in ("true", "on")
    low, high = BOUNDS[name]
    try:
        value = int(text) if isinstance(defaults[name], int) else float(text)
    except ValueError:
        raise BadSetting(f"{name} is a number from {low:g} to {high:g}, not {text!r}") from None
    if not low <= value <= high:
        raise BadSetting(f"{name} is a number from {low:g} to {high:g}, not {text}")
    return value
