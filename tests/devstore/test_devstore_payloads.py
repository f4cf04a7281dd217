"""What the dev store sends has the fields and types that Shopify's payloads have."""

import json
from typing import Any

import jsonschema
import pytest

from devstore import payloads
from devstore.manifest import read
from devstore.sales.model import Event
from devstore.sales.payloads import inventory_level_payload
from devstore.server import DevStore
from devstore.webhooks import field_tree, pick
from tests.devstore import published
from tests.devstore.few_sales import FACTS, FewSales, at
from tests.devstore.receiver import Receiver

TOO_STRICT = {
    "customer": "null when a guest buys; no sample had a guest",
    "refunds": "a list that no sample had anything in",
}
"""Where the published schemas, inferred from samples, say more than is so."""
TOML = published.ROOT / "shopify.app.toml"


def narrowed(schema: Any, payload: Any) -> Any:
    """The schema for the fields that are sent: what we leave out is not required, the rest must fit."""
    if not isinstance(schema, dict):
        return schema
    found = {key: value for key, value in schema.items() if key not in ("required", "additionalProperties")}
    return {key: _narrowed_value(key, value, payload) for key, value in found.items()}


def _narrowed_value(key: str, value: Any, payload: Any) -> Any:
    if key == "properties":
        return {name: narrowed(part, payload) for name, part in value.items()}
    if isinstance(value, list):
        return [narrowed(part, payload) for part in value]
    return narrowed(value, payload)


def complaints(topic: str, payload: dict[str, Any]) -> list[str]:
    schemas: Any = published.shared("webhook_payload_schemas_2026-07.json")
    schema = schemas[topic]
    validator = jsonschema.Draft202012Validator(narrowed(schema.get("schema", schema), payload))
    found = []
    for error in validator.iter_errors(payload):
        path = ".".join(str(part) for part in error.absolute_path if isinstance(part, str))
        if path not in TOO_STRICT:
            found.append(f"{path}: {error.message}")
    return found


def fields_unknown(topic: str, payload: dict[str, Any]) -> set[str]:
    schemas: Any = published.shared("webhook_payload_schemas_2026-07.json")
    schema = schemas[topic]
    return set(payload) - set(schema.get("schema", schema).get("properties", payload))


def events() -> list[Event]:
    sales = FewSales()
    days = [sales.history_until.replace(month=5, day=day) for day in (1, 4, 15)]
    return [event for day in days for event in sales.day(day)]


@pytest.mark.parametrize("topic", ["orders/create", "orders/updated", "refunds/create", "products/update"])
def test_what_the_app_subscribed_to_fits_the_published_schemas(topic: str) -> None:
    event = next(event for event in events() if event.topic == topic)
    declared = next(one for one in read(TOML).subscriptions if one.topic == topic)
    sent = json.loads(json.dumps(pick(event.payload, field_tree(declared.include_fields))))
    assert complaints(topic, sent) == []
    assert fields_unknown(topic, sent) == set()
    missing = {field.split(".")[0] for field in declared.include_fields} - set(sent)
    assert missing <= {"updated_at"} if topic == "refunds/create" else missing == set()


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("app/uninstalled", payloads.uninstalled(1, "a.myshopify.com", FACTS)),
        ("app/scopes_update", payloads.scopes_update(1, ["read_orders"], ["read_orders", "write_products"])),
        (
            "bulk_operations/finish",
            payloads.bulk_finish("gid://shopify/BulkOperation/1", "COMPLETED", None, "2026-01-01"),
        ),
        ("customers/data_request", payloads.compliance("customers/data_request", 1, "a.myshopify.com", 5, [7], 9)),
        ("customers/redact", payloads.compliance("customers/redact", 1, "a.myshopify.com", 5, [7], 9)),
        ("shop/redact", payloads.compliance("shop/redact", 1, "a.myshopify.com", None, [], 9)),
        (
            "inventory_levels/update",
            inventory_level_payload(FewSales().products(FewSales().first_day)[0], 7, at(FewSales().first_day, 1)),
        ),
    ],
)
def test_the_shops_own_payloads_fit_the_published_schemas(topic: str, payload: dict[str, Any]) -> None:
    assert complaints(topic, payload) == []
    assert fields_unknown(topic, payload) == set()


def test_a_payload_can_be_read_back_as_the_order_it_was(store: DevStore, receiver: Receiver) -> None:
    event = next(event for event in events() if event.topic == "orders/updated")
    order = payloads.order_of(json.loads(json.dumps(event.payload)))
    sold = FewSales().history_until.replace(month=5, day=1)
    assert order == next(iter(FewSales().orders(sold, sold, event.at.date())))
