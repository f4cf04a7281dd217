"""Webhook subscriptions made by API."""

from typing import Any, NamedTuple

from devstore.gid import gid, number
from devstore.graphql.call import Call
from devstore.graphql.listing import Listing, listed
from devstore.graphql.tables.values import Table, UserError, iso
from devstore.subscriptions import NAMES, TOPICS, required_scope

INPUT = "webhookSubscription"


class HttpEndpoint(NamedTuple):
    """Where a subscription delivers, as older clients ask for it."""

    address: str


def subscriptions(
    _: Any, call: Call, topics: list[str] | None = None, uri: str | None = None, reverse: bool = False
) -> Listing:
    """Those made by API; the toml's belong to the app and do not show."""
    found = [one for one in call.shop.subscriptions.made_by_api() if uri is None or one.uri == uri]
    return listed([one for one in found if topics is None or NAMES[one.topic] in topics], reverse)


def create(_: Any, call: Call, topic: str, webhook_subscription: dict[str, Any]) -> dict[str, Any]:
    """Subscribe an HTTPS (or local HTTP) address to a topic."""
    refusal = _refusal(call, topic, webhook_subscription)
    if refusal:
        return {INPUT: None, "userErrors": [refusal]}
    wanted = webhook_subscription
    try:
        made = call.shop.subscriptions.create(
            TOPICS[topic], _address(wanted), wanted.get("includeFields") or (), wanted.get("name"), call.api_version
        )
    except ValueError as error:
        return {INPUT: None, "userErrors": [UserError(str(error), [INPUT, "uri"])]}
    return {INPUT: made, "userErrors": []}


def _refusal(call: Call, topic: str, wanted: dict[str, Any]) -> UserError | None:
    scope = required_scope(TOPICS[topic])
    if scope and not call.may(scope):
        return UserError(f"You cannot create a webhook subscription for {topic} without {scope}", ["topic"])
    if wanted.get("filter"):
        return UserError("devstore does not filter deliveries", [INPUT, "filter"])
    if not _address(wanted).startswith(("https://", "http://")):
        return UserError("Address is invalid: devstore delivers over HTTP only", [INPUT, "uri"])
    return None


def _address(wanted: dict[str, Any]) -> str:
    """Shopify still takes the older name of the same field."""
    return str(wanted.get("uri") or wanted.get("callbackUrl") or "")


def delete(_: Any, call: Call, id: str) -> dict[str, Any]:
    """Remove one made by API."""
    found = number(id, "WebhookSubscription")
    if found and call.shop.subscriptions.delete(found):
        return {"deletedWebhookSubscriptionId": id, "userErrors": []}
    return {
        "deletedWebhookSubscriptionId": None,
        "userErrors": [UserError("Webhook subscription does not exist", ["id"])],
    }


SUBSCRIPTION: Table = {
    "id": lambda one, call: gid("WebhookSubscription", one.subscription_id),
    "legacyResourceId": lambda one, call: str(one.subscription_id),
    "topic": lambda one, call: NAMES[one.topic],
    "uri": lambda one, call: one.uri,
    "callbackUrl": lambda one, call: one.uri,
    "endpoint": lambda one, call: HttpEndpoint(one.uri),
    "metafieldNamespaces": lambda one, call: [],
    "format": lambda one, call: "JSON",
    "filter": lambda one, call: None,
    "includeFields": lambda one, call: list(one.include_fields),
    "name": lambda one, call: one.name,
    "apiVersion": lambda one, call: one.api_version,
    "createdAt": lambda one, call: iso(one.created_at),
    "updatedAt": lambda one, call: iso(one.created_at),
}
HTTP_ENDPOINT: Table = {"callbackUrl": lambda endpoint, call: endpoint.address}
# Named by documents that ask for every kind of endpoint; nothing here is ever delivered to one of these.
EVENT_BRIDGE_ENDPOINT: Table = {"arn": lambda endpoint, call: None}
PUB_SUB_ENDPOINT: Table = {"pubSubProject": lambda endpoint, call: None, "pubSubTopic": lambda endpoint, call: None}
API_VERSION: Table = {
    "handle": lambda version, call: version,
    "displayName": lambda version, call: version,
    "supported": lambda version, call: True,
}
