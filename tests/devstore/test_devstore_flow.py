"""Flow: a trigger starts workflows, which call the app's actions and repeat themselves as Flow does."""

import json
import time
from typing import Any

import pytest

from devstore.flow import judge, pause
from devstore.server import DevStore
from devstore.signing import sign_body
from tests.devstore.conftest import SECRET
from tests.devstore.receiver import Answer, Received, Receiver
from tests.devstore.shop_api import Api

TRIGGER = """mutation($handle: String, $payload: JSON) { flowTriggerReceive(handle: $handle, payload: $payload) {
  userErrors { field message } } }"""
ALERT = {"Task": "forecast", "Version number": "7"}


def fire(api: Api, handle: str = "accuracy-alert", payload: Any = ALERT) -> list[dict[str, Any]]:
    errors: list[dict[str, Any]] = api.run(TRIGGER, handle=handle, payload=payload)["flowTriggerReceive"]["userErrors"]
    return errors


def finished(api: Api, seconds: float = 5.0) -> dict[str, Any]:
    """The first run that has an outcome."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for entry in api.shop.traffic.read("flow"):
            if "outcome" in entry:
                return entry
        time.sleep(0.005)
    raise AssertionError("no workflow run has ended")


def test_an_alert_calls_the_action_signed_within_a_second(alice: Api, receiver: Receiver) -> None:
    began = time.monotonic()
    assert fire(alice) == []
    call = receiver.wait_for(1)[0]
    assert time.monotonic() - began < 1
    body = json.loads(call.body)
    assert call.path == "/flow/roll-back-model"
    assert call.headers["x-shopify-hmac-sha256"] == sign_body(SECRET, call.body)
    assert (body["shopify_domain"], body["shop_id"]) == ("alice.myshopify.com", str(alice.shop.shop_id))
    assert (body["handle"], body["properties"]) == ("roll-back-model", {"task": "forecast", "expected_version": 7})
    assert body["action_run_id"]
    assert finished(alice)["outcome"] == "done"


def test_an_accepted_run_is_asked_again_under_the_same_id(alice: Api, receiver: Receiver) -> None:
    answers: list[Answer] = [202, 503, (429, {"Retry-After": "0"}, b""), 200]
    receiver.answer = lambda request: answers.pop(0)
    fire(alice)
    assert finished(alice)["statuses"] == [202, 503, 429, 200]
    assert len({json.loads(one.body)["action_run_id"] for one in receiver.requests}) == 1


def test_a_client_error_ends_the_run_at_once(alice: Api, receiver: Receiver) -> None:
    receiver.answer = lambda request: 422
    fire(alice)
    assert (finished(alice)["outcome"], len(receiver.requests)) == ("failed", 1)


@pytest.mark.parametrize(("status", "outcome"), [(200, "done"), (404, "failed"), (202, None), (429, None), (0, None)])
def test_what_an_answer_means(status: int, outcome: str | None) -> None:
    assert judge(status) == outcome


def test_waits_grow_and_retry_after_is_honoured() -> None:
    assert pause(0, 503, {}) < pause(3, 503, {}) <= 60
    assert pause(0, 429, {"retry-after": "9"}) == 9


def test_a_trigger_that_no_extension_declares_is_refused(alice: Api, receiver: Receiver) -> None:
    assert "Invalid handle 'unheard'" in fire(alice, "unheard")[0]["message"]
    assert "Unknown properties: Weather" in fire(alice, payload={**ALERT, "Weather": "fine"})[0]["message"]
    assert "size exceeds" in fire(alice, payload={"Task": "x" * 60_000})[0]["message"]
    assert receiver.requests == []


def test_a_warning_does_not_roll_back(alice: Api, receiver: Receiver) -> None:
    alice.shop.manifest.flow["accuracy-alert"].fields["Kind"] = "single_line_text_field"
    fire(alice, payload={**ALERT, "Kind": "warn"})
    assert finished(alice)["outcome"] == "condition not met"
    assert receiver.requests == []


def test_a_workflow_that_lacks_a_property_says_so(alice: Api) -> None:
    fire(alice, payload={"Task": "forecast"})
    assert "lacks Version number" in finished(alice)["outcome"]


def test_with_flow_switched_off_a_trigger_starts_nothing(alice: Api, receiver: Receiver) -> None:
    alice.shop.faults.change({"flow_off": True})
    assert fire(alice) == []
    assert [entry["workflows"] for entry in alice.shop.traffic.read("flow")] == [0]


def test_each_shop_runs_its_own_workflows(store: DevStore, alice: Api, bob: Api, receiver: Receiver) -> None:
    fire(bob)
    finished(bob)
    called: list[Received] = receiver.requests
    assert [json.loads(one.body)["shopify_domain"] for one in called] == ["bob.myshopify.com"]
    assert alice.shop.traffic.read("flow") == []
