"""Webhook subscriptions that were made for one shop by API, where all of ours belong to the app and its TOML."""

from dataclasses import dataclass

from shopify_app.platform.admin_api import AdminApi


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
