"""Who is calling, once verified. Only `platform.verify` makes these; `secret_used` is 0 for the current client secret.

None of them is printed with its body or query: a log line that holds one of these holds no customer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple


class Webhook(NamedTuple):
    """One delivery. The signature covers `body` alone: shop, topic and ids come from headers beside it."""

    shop: str
    topic: str
    webhook_id: str | None
    event_id: str | None
    api_version: str | None
    triggered_at: datetime | None
    body: bytes
    signature: bytes
    """What `body` was signed with: who sends the body again without knowing the secret has to send this too."""
    secret_used: int = 0

    def __repr__(self) -> str:
        return f"Webhook({self.shop}, {self.topic}, {self.webhook_id})"


@dataclass(frozen=True)
class FlowAction:
    """One step of a merchant's workflow. Flow repeats the same `action_run_id` until it hears 200 or a refusal."""

    shop: str
    action_run_id: str
    handle: str
    properties: Mapping[str, Any] = field(repr=False)
    secret_used: int = 0


@dataclass(frozen=True)
class ProxyCall:
    """A storefront visitor, through Shopify. `params` is what the visitor chose: signed, yet never to be trusted.

    A repeated parameter reads as its values joined by commas, because that is all the signature says about it.
    """

    shop: str
    customer_id: int | None = field(repr=False)
    path_prefix: str
    params: Mapping[str, str] = field(repr=False)
    secret_used: int = 0


@dataclass(frozen=True)
class IdToken:
    """A member of the shop's staff, in the admin, within the last minute."""

    shop: str
    user_id: str
    session_id: str
    expires_at: datetime
    secret_used: int = 0


@dataclass(frozen=True)
class Callback:
    """A merchant who comes back from the consent page. `state` still has to equal the one in our signed cookie."""

    shop: str
    code: str = field(repr=False)
    state: str = field(repr=False)
    host: str | None = None
    secret_used: int = 0
