"""Everything the dev store sends fits the published schema of its topic, whole: names, types, nothing missing."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any

import jsonschema
import pytest

from devstore import payloads
from devstore.config import AppConfig, ShopConfig
from devstore.manifest import read
from devstore.sales.model import Event
from devstore.sales.payloads import order_payload, product_payload
from devstore.sales.synthetic import SyntheticSales
from devstore.server import DevStore
from devstore.webhooks import field_tree, pick
from tests.devstore import published
from tests.devstore.few_sales import FACTS, FewSales
from tests.devstore.receiver import Receiver

TOO_STRICT = {
    "customer": "null when a guest buys; no sample had a guest",
    "email": "null when a guest buys",
    "contact_email": "null when a guest buys",
    "billing_address": "null when a guest buys",
    "shipping_address": "null when a guest buys",
    "refunds": "a list that no sample had anything in",
    "image": "null when a product has no picture; Shopify's own sample says so too",
}
"""Where the published schemas, inferred from samples, say more than is so."""
TOML = published.ROOT / "shopify.app.toml"
EVERY_TOPIC = """
name = "Nosy"
[access_scopes]
scopes = "read_orders,read_products,read_inventory,read_customers,write_products"
[webhooks]
api_version = "2026-10"
[[webhooks.subscriptions]]
topics = [
  "orders/create", "orders/updated", "orders/cancelled", "refunds/create", "products/create", "products/update",
  "inventory_levels/update", "app/uninstalled", "app/scopes_update", "bulk_operations/finish"
]
uri = "/webhooks"
[[webhooks.subscriptions]]
compliance_topics = ["customers/data_request", "customers/redact", "shop/redact"]
uri = "/webhooks"
"""


@cache
def validator(topic: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(published.payload_schema(topic))


def complaints(topic: str, payload: Any) -> list[str]:
    """What the schema says against a payload, but for the exceptions named above."""
    found = []
    for error in validator(topic).iter_errors(payload):
        path = ".".join(str(part) for part in error.absolute_path if isinstance(part, str))
        if path not in TOO_STRICT or error.validator not in ("type", "items"):
            found.append(f"{topic} {path}: {error.message[:120]}")
    return found


def unknown_fields(topic: str, payload: dict[str, Any]) -> set[str]:
    properties = published.payload_schema(topic)["properties"]
    assert isinstance(properties, dict)
    return set(payload) - set(properties)


def busy_days(store: DevStore) -> None:
    """Everything a shop of the dev store can tell an app, in twenty days and an uninstall."""
    shop = store.shop("busy")
    shop.install()
    store.sellers["busy"].step(20)
    batches = [
        shop.change_scopes(["write_discounts"], []),
        shop.send_compliance("customers/data_request", 5, [1000]),
        shop.send_compliance("customers/redact", 5, [1000]),
        shop.send_compliance("shop/redact", None, []),
        shop.announce(
            "bulk_operations/finish",
            payloads.bulk_finish("gid://shopify/BulkOperation/1", "FAILED", "TIMEOUT", "2026-01-01T00:00:00Z"),
        ),
        shop.uninstall(),
    ]
    assert all(batch.wait(20) for batch in batches)


def test_every_delivery_fits_the_published_schema_of_its_topic(tmp_path: Any, receiver: Receiver) -> None:
    toml = tmp_path / "shopify.app.toml"
    toml.write_text(EVERY_TOPIC)
    store = DevStore([ShopConfig("busy", SyntheticSales(11))], AppConfig("key", "secret", receiver.url, toml))
    try:
        busy_days(store)
    finally:
        store.stop()
    seen: dict[str, int] = {}
    for one in receiver.requests:
        topic = one.headers["x-shopify-topic"]
        seen[topic] = seen.get(topic, 0) + 1
        if seen[topic] <= 100:  # the rest look alike
            payload = json.loads(one.body)
            assert complaints(topic, payload) == []
            assert unknown_fields(topic, payload) == set()
    assert set(seen) >= {one.topic for one in read(toml).subscriptions} - {"products/create"}, seen


@pytest.mark.parametrize("what", ["test order", "guest", "picture"])
def test_the_rarer_payloads_fit_too(what: str) -> None:
    sales = FewSales()
    order = next(iter(sales.orders(sales.history_until, sales.history_until)))
    product = replace(sales.products(sales.history_until)[0], image_url="https://cdn.example/picture.png")
    topic, payload = {
        "test order": ("orders/create", order_payload(replace(order, test=True), FACTS)),
        "guest": ("orders/create", order_payload(replace(order, customer_id=None), FACTS)),
        "picture": ("products/create", product_payload(product, 3)),
    }[what]
    assert complaints(topic, json.loads(json.dumps(payload))) == []
    assert unknown_fields(topic, payload) == set()


def events() -> Iterator[Event]:
    sales = FewSales()
    first = sales.history_until + timedelta(days=1)
    for ahead in range(20):
        yield from sales.day(first + timedelta(days=ahead))


@pytest.mark.parametrize("topic", ["orders/create", "orders/updated", "refunds/create", "products/update"])
def test_the_fields_that_the_app_subscribes_to_are_there(topic: str) -> None:
    event = next(event for event in events() if event.topic == topic)
    declared = next(one for one in read(TOML).subscriptions if one.topic == topic)
    sent = json.loads(json.dumps(pick(event.payload, field_tree(declared.include_fields))))
    assert unknown_fields(topic, sent) == set()
    missing = {field.split(".")[0] for field in declared.include_fields} - set(sent)
    assert missing <= {"updated_at"} if topic == "refunds/create" else missing == set()


def test_a_payload_can_be_read_back_as_the_order_it_was(store: DevStore, receiver: Receiver) -> None:
    event = next(event for event in events() if event.topic == "orders/updated")
    order = payloads.order_of(json.loads(json.dumps(event.payload)))
    sold: date = order.created_at.date()
    assert order in FewSales().orders(sold, sold, event.at.date())
