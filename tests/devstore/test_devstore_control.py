"""The control door, and what a merchant can do through it."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from devstore.server import DevStore
from tests.devstore.conftest import Open
from tests.devstore.few_sales import FewSales
from tests.devstore.receiver import Receiver
from tests.devstore.shop_api import Api, api_of


@pytest.fixture
def door(store: DevStore) -> FlaskClient:
    return store.wsgi.test_client()


def test_installing_grants_the_tomls_scopes_and_subscribes(door: FlaskClient) -> None:
    installed = door.post("/_dev/alice/install").get_json()
    state = door.get("/_dev/alice/state").get_json()
    assert installed["shop"] == "alice.myshopify.com"
    assert installed["scopes"] == state["scopes"]
    assert "write_products" in state["scopes"]
    assert {"topic": "orders/create", "uri": "/webhooks", "source": "toml"} in state["subscriptions"]
    assert (state["business_on"], state["next_day"], state["installed"]) == ("2026-04-30", "2026-05-01", True)


def test_all_orders_are_granted_when_the_shop_says_so(open_store: Open) -> None:
    store = open_store(all_orders=True)
    assert "read_all_orders" in store.shop("alice").install()["scopes"]


def test_a_step_reports_what_it_did(door: FlaskClient, receiver: Receiver) -> None:
    door.post("/_dev/alice/install")
    report = door.post("/_dev/alice/clock", json={"step_days": 3}).get_json()
    assert (report["from"], report["to"], report["orders_sent"]) == ("2026-05-01", "2026-05-03", 6)
    assert door.get("/_dev/alice/state").get_json()["business_on"] == "2026-05-03"
    assert len(door.get("/_dev/alice/log?kind=webhook").get_json()) == 6


def test_a_step_ends_with_the_source(open_store: Open) -> None:
    sales = FewSales()
    sales.last_day = sales.history_until.replace(month=5, day=2)
    store = open_store(sales=sales)
    store.shop("alice").install()
    assert store.sellers["alice"].step(10).as_json()["to"] == "2026-05-02"
    assert store.sellers["alice"].step(10).as_json()["to"] is None


def test_a_running_clock_sells_by_itself_and_pauses(open_store: Open, receiver: Receiver) -> None:
    store = open_store()
    store.shop("alice").install()
    door = store.wsgi.test_client()
    assert door.post("/_dev/alice/clock", json={"speed": 20}).get_json() == {"speed": 20.0}
    receiver.wait_for(12)
    assert door.post("/_dev/alice/clock", json={"pause": True}).get_json() == {"speed": 0.0}
    time.sleep(0.15)
    sent = [json.loads(one.body)["id"] for one in receiver.of("orders/create")]
    clock = store.shop("alice").clock.now
    assert sorted(sent) == list(range(1240, 1240 + len(sent)))
    time.sleep(0.15)
    assert store.shop("alice").clock.now == clock


def test_a_running_clock_waits_for_the_app_to_be_installed(open_store: Open) -> None:
    store = open_store()
    store.sellers["alice"].run(50)
    time.sleep(0.2)
    assert store.shop("alice").clock.day == FewSales().history_until.replace(month=5, day=1)


def test_a_step_in_the_middle_of_a_day_sends_only_the_rest(open_store: Open, receiver: Receiver) -> None:
    store = open_store()
    api = api_of(store, "alice")
    seller, clock = store.sellers["alice"], api.shop.clock
    seller._move(clock.midnight(clock.day).replace(hour=10) - clock.now)
    receiver.wait_for(1)
    assert seller.step(1).orders_sold == 1
    assert sorted(json.loads(one.body)["id"] for one in receiver.requests) == [1240, 1241]


def test_a_second_start_resumes(open_store: Open, receiver: Receiver, tmp_path: Path) -> None:
    state = tmp_path / "state"
    first = open_store(state)
    before = api_of(first, "alice")
    before.shop.metafields.set(
        [{"ownerId": "gid://shopify/Product/1", "key": "k", "type": "boolean", "value": "true"}], ()
    )
    first.sellers["alice"].step(2)
    first.stop()
    second = open_store(state)
    after = Api(second.wsgi.test_client(), second.shop("alice"), before.token)
    found = after.run('{ product(id: "gid://shopify/Product/1") { metafield(key: "k") { value } } }')
    assert found["product"]["metafield"] == {"value": "true"}
    assert second.shop("alice").clock.today.isoformat() == "2026-05-02"
    assert not second.shop("bob").is_installed
    assert second.sellers["alice"].step(1).as_json()["from"] == "2026-05-03"


def test_an_uninstall_is_told_and_a_reinstall_starts_afresh(store: DevStore, receiver: Receiver) -> None:
    api = api_of(store, "alice")
    door = store.wsgi.test_client()
    assert door.post("/_dev/alice/uninstall").get_json()["delivered"] == 1
    told = receiver.of("app/uninstalled")[0]
    assert json.loads(told.body)["myshopify_domain"] == "alice.myshopify.com"
    assert api.post("{ shop { id } }").status_code == 401
    assert store.sellers["alice"].step(1).deliveries == 0
    door.post("/_dev/alice/install")
    assert store.sellers["alice"].step(1).deliveries == 2


def test_changed_scopes_are_told_and_hold_at_once(door: FlaskClient, store: DevStore, receiver: Receiver) -> None:
    api = api_of(store, "alice")
    door.post("/_dev/alice/scopes", json={"grant": ["read_all_orders"], "revoke": ["read_inventory"]})
    told = json.loads(receiver.of("app/scopes_update")[0].body)
    assert "read_all_orders" in told["current"]
    assert "read_inventory" in told["previous"]
    found = api.run("{ currentAppInstallation { accessScopes { handle } } ordersCount { count } }")
    assert "read_inventory" not in [one["handle"] for one in found["currentAppInstallation"]["accessScopes"]]
    assert found["ordersCount"]["count"] == 240


def test_tokens_can_be_expired_or_revoked_from_outside(door: FlaskClient, store: DevStore) -> None:
    api = api_of(store, "alice")
    door.post("/_dev/alice/tokens", json={"expire": True})
    assert api.post("{ shop { id } }").status_code == 401


def test_faults_are_set_one_by_one(door: FlaskClient) -> None:
    door.post("/_dev/alice/faults", json={"duplicate": 0.1})
    plan = door.post("/_dev/alice/faults", json={"bulk": "FAILED"}).get_json()
    assert (plan["duplicate"], plan["bulk"], plan["drop"]) == (0.1, "FAILED", 0.0)


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("faults", {"gravity": 1}, "unknown fault 'gravity'"),
        ("faults", {"drop": 2}, "cannot be 2"),
        ("faults", {"bulk": "MAYBE"}, "cannot be 'MAYBE'"),
        ("faults", {"consent_unsaid": 1}, "cannot be 1"),
        ("clock", {"speed": -1}, "step_days"),
        ("clock", {}, "step_days"),
        ("compliance", {"topic": "orders/create"}, "needs a customer_id"),
        ("compliance", {"topic": "customers/redact"}, "needs a customer_id"),
        ("scopes", {"grant": "all"}, "must be a list"),
    ],
)
def test_wrong_orders_are_refused_with_a_reason(door: FlaskClient, path: str, body: Any, words: str) -> None:
    answer = door.post(f"/_dev/alice/{path}", json=body)
    assert answer.status_code == 400
    assert words in answer.get_json()["error"]


def test_unknown_shops_and_kinds_are_named(door: FlaskClient) -> None:
    assert "no shop 'carol'" in door.get("/_dev/carol/state").text
    assert "unknown kind" in door.get("/_dev/alice/log?kind=gossip").get_json()["error"]


def test_the_door_opens_to_this_machine_only(door: FlaskClient) -> None:
    assert door.get("/_dev/alice/state", environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 403


def test_an_id_token_of_the_door_is_good_for_an_exchange(door: FlaskClient, store: DevStore) -> None:
    from devstore import identity

    token = door.get("/_dev/alice/id-token").get_json()["id_token"]
    assert identity.verify(token, "alice.myshopify.com", "test-key", "test-secret")["dest"].endswith(
        "alice.myshopify.com"
    )


def test_a_merchant_changes_the_time_zone_and_the_currency_in_the_settings(door: FlaskClient, store: DevStore) -> None:
    asked = "{ shop { name currencyCode ianaTimezone timezoneOffset } }"
    api = api_of(store, "alice")
    before = api.run(asked)["shop"]
    door.post("/_dev/alice/facts", json={"time_zone": "America/New_York", "currency": "USD"})
    told = {"currencyCode": "USD", "ianaTimezone": "America/New_York", "timezoneOffset": "-0400"}
    assert api.run(asked)["shop"] == before | told
    for wrong in ({"time_zone": "Nowhere/Land"}, {"colour": "red"}, {"currency": 7}):
        assert door.post("/_dev/alice/facts", json=wrong).status_code == 400
    assert api.run(asked)["shop"] == before | told
