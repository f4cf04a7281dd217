"""What a dev store is started with: the app it works with and the shops it serves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devstore.sales.model import Sales


@dataclass(frozen=True)
class Workflow:
    """One workflow of the shop: when this trigger comes, and the condition holds, call this action."""

    trigger: str
    action: str
    properties: Mapping[str, str] = field(default_factory=dict)
    """Action property -> key of the trigger's payload that fills it."""
    condition: Callable[[Mapping[str, Any]], bool] = bool


ROLL_BACK_ON_ALERT = Workflow(
    trigger="accuracy-alert",
    action="roll-back-model",
    properties={"task": "Task", "expected_version": "Version number"},
    condition=lambda payload: "Task" in payload and payload.get("Kind") != "warn",
)


@dataclass(frozen=True)
class AppConfig:
    """The app under development, as the Dev Dashboard would know it."""

    api_key: str
    api_secret: str
    app_url: str
    toml: Path | None = None
    """`shopify.app.toml`: scopes, webhook subscriptions, app proxy, redirect addresses. Extensions lie beside it."""
    old_api_secret: str | None = None
    """A secret that is being replaced: Shopify signs webhooks with the oldest one that is still valid."""
    workflows: tuple[Workflow, ...] = (ROLL_BACK_ON_ALERT,)

    embeds: tuple[str, ...] = ()
    """App embeds that the merchant has switched on in the theme editor, by the name of their file."""

    @property
    def signing_secret(self) -> str:
        """The secret that webhooks and Flow calls are signed with."""
        return self.old_api_secret or self.api_secret


@dataclass(frozen=True)
class ShopConfig:
    """One shop: what it sells and how it behaves."""

    handle: str
    sales: Sales
    all_orders: bool = False
    """Grant `read_all_orders`, which lifts the 60-day wall."""
    speed: float = 0.0
    """Business days per second of real time; 0 means the clock stands still until stepped."""
    seed: int = 1
    """Seed of the faults, so that a run with duplicates can be repeated."""
    patience: float = 24.0
    """Seconds over which the 8 retries of a delivery are spread (four hours at Shopify)."""
    restore_rate: float = 100.0
    """Points per second that flow back into the query-cost bucket (Standard plan)."""

    @property
    def domain(self) -> str:
        """The shop's permanent domain."""
        return f"{self.handle}.myshopify.com"
