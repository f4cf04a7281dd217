"""Webhook subscriptions: those the TOML declares for the app, and those that were made by API for one shop."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from shopify_app.platform.admin_api import AdminApi

TOML = Path(__file__).resolve().parents[2] / "shopify.app.toml"


@dataclass(frozen=True)
class Declared:
    """One topic of the TOML, with the fields that are asked for (none: all of them)."""

    topic: str
    path: str
    include_fields: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the API calls the topic: ORDERS_CREATE."""
        return self.topic.replace("/", "_").upper()


@dataclass(frozen=True)
class Subscription:
    """One subscription of one shop: what is sent where, and which fields of it."""

    subscription_id: str
    topic: str
    uri: str
    include_fields: tuple[str, ...]


def shop_subscriptions(api: AdminApi) -> list[Subscription]:
    """Every subscription of this shop alone. One found here would be delivered beside the app's own, and twice."""
    found: list[Subscription] = []
    after = None
    while True:
        page = api.run("webhook_subscriptions", after=after)["webhookSubscriptions"]
        found += [
            Subscription(one["id"], one["topic"], one["uri"], tuple(one["includeFields"])) for one in page["nodes"]
        ]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


@cache
def declared() -> tuple[Declared, ...]:
    """What `shopify app deploy` subscribes for every shop. Privacy topics are not in it: no API can subscribe them."""
    entries = tomllib.loads(TOML.read_text())["webhooks"]["subscriptions"]
    return tuple(
        Declared(topic, entry["uri"], tuple(entry.get("include_fields", ())))
        for entry in entries
        for topic in entry.get("topics", ())
    )


def subscribe(api: AdminApi, wanted: Declared, app_url: str) -> str:
    """Subscribe this shop alone to a topic; the subscription's id. Raises UserErrors when it is subscribed already."""
    fields = list(wanted.include_fields) or None
    made = api.run("webhook_subscribe", topic=wanted.name, uri=app_url + wanted.path, includeFields=fields)
    return str(made["webhookSubscriptionCreate"]["webhookSubscription"]["id"])
