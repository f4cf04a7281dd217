"""Webhooks: signed, cut to the fields that were asked for, retried, repeated and out of order on demand."""

import json
import time
from datetime import date, datetime
from pathlib import Path

import pytest

from devstore.config import AppConfig, ShopConfig
from devstore.courier import RETRIES
from devstore.server import DevStore
from devstore.signing import sign_body
from devstore.webhooks import field_tree, pick, triggered_at
from tests.devstore.conftest import KEY, SECRET, Open
from tests.devstore.few_sales import FewSales
from tests.devstore.receiver import Received, Receiver
from tests.devstore.shop_api import Api, api_of

CREATE = """mutation($topic: WebhookSubscriptionTopic!, $uri: String!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: {uri: $uri, includeFields: ["id"]}) {
    webhookSubscription { id topic uri includeFields } userErrors { field message } } }"""


def test_a_day_is_sent_signed_with_all_headers(store: DevStore, alice: Api, receiver: Receiver) -> None:
    report = store.sellers["alice"].step(1)
    first = receiver.of("orders/create")[0]
    assert report.as_json() == {
        "from": "2026-05-01",
        "to": "2026-05-01",
        "orders_sent": 2,
        "orders_sold": 2,
        "deliveries": 2,
        "duplicates_sent": 0,
        "out_of_order": 0,
        "delayed": 0,
        "dropped": 0,
        "failed": 0,
    }
    assert first.path == "/webhooks"
    assert first.headers["x-shopify-hmac-sha256"] == sign_body(SECRET, first.body)
    assert first.headers["x-shopify-shop-domain"] == "alice.myshopify.com"
    assert first.headers["x-shopify-api-version"] == "2026-10"
    assert first.headers["user-agent"] == "Shopify-Captain-Hook"
    for name in ("x-shopify-webhook-id", "x-shopify-event-id", "x-shopify-triggered-at"):
        assert first.headers[name]


def test_only_the_fields_of_the_toml_are_sent(store: DevStore, alice: Api, receiver: Receiver) -> None:
    store.sellers["alice"].step(1)
    body = json.loads(receiver.of("orders/create")[0].body)
    assert set(body) == {"id", "updated_at", "line_items"}
    assert set(body["line_items"][0]) == {"product_id", "current_quantity"}


def test_picking_fields_leaves_out_what_is_not_there() -> None:
    payload = {"id": 1, "a": {"b": 2, "c": 3}, "l": [{"x": 1, "y": 2}]}
    assert pick(payload, field_tree(["id", "a.b", "l.x", "nothing"])) == {"id": 1, "a": {"b": 2}, "l": [{"x": 1}]}
    assert pick(payload, field_tree([])) == payload


def test_the_time_of_a_delivery_has_nine_decimals() -> None:
    text = triggered_at()
    assert len(text.split(".")[1]) == 10
    assert abs(datetime.fromisoformat(text[:26] + "+00:00").timestamp() - time.time()) < 1


def test_a_refused_delivery_is_retried_with_its_id_and_body(store: DevStore, alice: Api, receiver: Receiver) -> None:
    seen: dict[str, int] = {}

    def fail_twice(request: Received) -> int:
        webhook_id = request.headers["x-shopify-webhook-id"]
        seen[webhook_id] = seen.get(webhook_id, 0) + 1
        return 200 if seen[webhook_id] > 2 else 302

    receiver.answer = fail_twice
    report = store.sellers["alice"].step(1)
    assert (report.failed, sorted(seen.values())) == (0, [3, 3])
    assert len({(one.headers["x-shopify-webhook-id"], one.body) for one in receiver.requests}) == 2


def test_after_eight_retries_a_delivery_is_given_up_and_the_order_not_counted(
    store: DevStore, alice: Api, receiver: Receiver
) -> None:
    receiver.answer = lambda request: 500
    report = store.sellers["alice"].step(1)
    assert (report.failed, len(report.sent_orders), report.orders_sold) == (2, 0, 2)
    assert len(receiver.requests) == 2 * (1 + RETRIES)


def test_an_app_that_is_away_does_not_stop_the_clock(store: DevStore, alice: Api, receiver: Receiver) -> None:
    receiver.close()
    began = time.monotonic()
    assert store.sellers["alice"].step(1).failed == 2
    assert alice.shop.clock.day == date(2026, 5, 2)
    assert time.monotonic() - began < 5


def test_duplicates_and_disorder_are_counted_and_the_same_for_the_same_seed(open_store: Open) -> None:
    reports = []
    for _ in range(2):
        store = open_store(sales=FewSales(per_day=60, lines=1, updates=False))
        api = api_of(store, "alice")
        api.shop.faults.change({"duplicate": 0.1, "reorder": 0.2, "drop": 0.1, "delay": 0.05})
        reports.append(store.sellers["alice"].step(3).as_json())
    assert reports[0] == reports[1]
    one = reports[0]
    assert 5 < one["duplicates_sent"] < 40
    assert 15 < one["out_of_order"] < 60
    assert 5 < one["dropped"] < 40
    assert one["orders_sent"] == one["orders_sold"] - one["dropped"]
    assert one["deliveries"] == one["orders_sent"] + one["duplicates_sent"]


def test_a_repeated_delivery_is_the_same_delivery(store: DevStore, alice: Api, receiver: Receiver) -> None:
    alice.shop.faults.change({"duplicate": 1})
    store.sellers["alice"].step(1)
    ids = [one.headers["x-shopify-webhook-id"] for one in receiver.requests]
    assert (len(ids), len(set(ids))) == (4, 2)


def test_a_topic_stays_silent_without_its_scope(store: DevStore, receiver: Receiver) -> None:
    api_of(store, "alice", ["read_products"])
    assert store.sellers["alice"].step(1).deliveries == 0


def test_nothing_is_sent_before_the_install_and_days_pass_all_the_same(store: DevStore, receiver: Receiver) -> None:
    report = store.sellers["alice"].step(2)
    assert (report.deliveries, report.orders_sold, receiver.requests) == (0, 4, [])


def test_subscriptions_by_api_are_listed_deliver_and_can_be_removed(
    store: DevStore, alice: Api, receiver: Receiver
) -> None:
    uri = f"{receiver.url}/more"
    made = alice.run(CREATE, topic="ORDERS_CREATE", uri=uri)["webhookSubscriptionCreate"]["webhookSubscription"]
    again = alice.run(CREATE, topic="ORDERS_CREATE", uri=uri)["webhookSubscriptionCreate"]
    listing = "{ webhookSubscriptions(first: 10) { nodes { id topic } } }"
    assert "already been taken" in again["userErrors"][0]["message"]
    assert alice.run(listing)["webhookSubscriptions"]["nodes"] == [{"id": made["id"], "topic": "ORDERS_CREATE"}]
    store.sellers["alice"].step(1)
    extra = [one for one in receiver.requests if one.path == "/more"]
    assert [set(json.loads(one.body)) for one in extra] == [{"id"}, {"id"}]
    delete = "mutation($id: ID!) { webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId } }"
    assert alice.run(delete, id=made["id"])["webhookSubscriptionDelete"]["deletedWebhookSubscriptionId"] == made["id"]
    assert alice.run(listing)["webhookSubscriptions"]["nodes"] == []


def test_deliveries_of_one_event_share_its_event_id(store: DevStore, alice: Api, receiver: Receiver) -> None:
    alice.run(CREATE, topic="ORDERS_CREATE", uri=f"{receiver.url}/more")
    store.sellers["alice"].step(1)
    events: dict[str, set[str]] = {}
    for one in receiver.requests:
        events.setdefault(one.headers["x-shopify-event-id"], set()).add(one.path)
    assert list(events.values()) == [{"/webhooks", "/more"}] * 2


def test_a_subscription_by_api_dies_with_a_failed_delivery_the_tomls_live(
    store: DevStore, alice: Api, receiver: Receiver
) -> None:
    alice.run(CREATE, topic="ORDERS_CREATE", uri=f"{receiver.url}/more")
    receiver.answer = lambda request: 500 if request.path == "/more" else 200
    store.sellers["alice"].step(1)
    assert alice.shop.subscriptions.made_by_api() == []
    assert len(alice.shop.subscriptions.of_topic("orders/create")) == 1


def test_what_was_not_delivered_goes_out_after_the_next_start(
    open_store: Open, receiver: Receiver, tmp_path: Path
) -> None:
    receiver.answer = lambda request: 503
    first = open_store(tmp_path / "state", patience=3600.0)
    api = api_of(first, "alice")
    first.courier.submit(api.shop.deliveries(api.shop.sales.day(api.shop.clock.day)))
    receiver.wait_for(2)
    first.stop()
    failed = {one.headers["x-shopify-webhook-id"] for one in receiver.requests}
    receiver.requests.clear()
    receiver.answer = lambda request: 200
    open_store(tmp_path / "state")
    assert {one.headers["x-shopify-webhook-id"] for one in receiver.wait_for(2)} == failed


@pytest.mark.parametrize("topic", ["customers/data_request", "customers/redact", "shop/redact"])
def test_privacy_requests_are_sent(store: DevStore, alice: Api, receiver: Receiver, topic: str) -> None:
    body = {"topic": topic, "customer_id": 501, "order_ids": [1240]}
    answer = store.wsgi.test_client().post("/_dev/alice/compliance", json=body)
    assert answer.get_json() == {"delivered": 1, "failed": 0, "waiting": False}
    sent = json.loads(receiver.of(topic)[0].body)
    assert sent["shop_domain"] == "alice.myshopify.com"
    assert topic == "shop/redact" or sent["customer"]["id"] == 501


def test_a_running_clock_repeats_and_holds_back_too(open_store: Open, receiver: Receiver) -> None:
    store = open_store(sales=FewSales(per_day=20, lines=1, updates=False))
    api = api_of(store, "alice")
    api.shop.faults.change({"duplicate": 0.5, "reorder": 0.5})
    seller, clock = store.sellers["alice"], api.shop.clock
    seller._move(clock.midnight(date(2026, 5, 2)) - clock.now)
    assert clock.day == date(2026, 5, 2)
    ids = [one.headers["x-shopify-webhook-id"] for one in receiver.wait_for(25)]
    assert len(ids) > len(set(ids))
    numbers = [json.loads(one.body)["id"] for one in receiver.requests]
    assert numbers != sorted(numbers)


def test_while_a_secret_is_replaced_webhooks_are_signed_with_the_old_one(toml: Path, receiver: Receiver) -> None:
    app = AppConfig(KEY, "new-secret", receiver.url, toml, old_api_secret="old-secret")
    store = DevStore([ShopConfig("alice", FewSales())], app)
    api_of(store, "alice")
    store.sellers["alice"].step(1)
    store.stop()
    sent = receiver.of("orders/create")[0]
    assert sent.headers["x-shopify-hmac-sha256"] == sign_body("old-secret", sent.body)
