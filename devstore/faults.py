"""Everything that may go wrong on the way between a shop and its app, as named, seeded switches."""

import random
import threading
from dataclasses import dataclass, fields, replace
from typing import Any

from devstore.errors import BadRequest


@dataclass(frozen=True)
class FaultPlan:
    """The switches. Numbers are probabilities per delivery or per API call."""

    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0
    drop: float = 0.0
    api_5xx: float = 0.0
    """Answer 503 without doing anything."""
    api_lost: float = 0.0
    """Do it, then answer 502: the app cannot know."""
    throttle: float = 0.0
    bulk: str | None = None
    """`FAILED` or `EXPIRED`: how the next bulk operations end."""
    flow_off: bool = False
    """No workflow is switched on."""
    consent_unsaid: bool = False
    """Searches for who accepts marketing find everybody, as Shopify does with a term that it does not know."""

    def with_changes(self, changes: dict[str, Any]) -> "FaultPlan":
        """The plan with these switches set. Raises BadRequest for an unknown switch or an impossible value."""
        known = {field.name for field in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise BadRequest(f"unknown fault {name!r}; known: {', '.join(sorted(known))}")
            _check(name, value)
        return replace(self, **changes)


def _check(name: str, value: Any) -> None:
    if name == "bulk":
        fits = value in (None, "FAILED", "EXPIRED")
    elif name in ("consent_unsaid", "flow_off"):
        fits = isinstance(value, bool)
    else:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    if not fits:
        raise BadRequest(f"fault {name!r} cannot be {value!r}")


class Faults:
    """The switches of one shop and the dice that are thrown for them."""

    def __init__(self, seed: int) -> None:
        self.plan = FaultPlan()
        self._dice = random.Random(seed)
        self._lock = threading.Lock()

    def change(self, changes: dict[str, Any]) -> FaultPlan:
        """Set some switches and leave the others."""
        self.plan = self.plan.with_changes(changes)
        return self.plan

    def strikes(self, probability: float) -> bool:
        """Whether a fault of this probability happens now."""
        if probability <= 0:
            return False
        with self._lock:
            return self._dice.random() < probability

    def places(self, most: int) -> int:
        """How far something is moved: 1..most."""
        with self._lock:
            return self._dice.randint(1, most)
