"""A workflow's action is done once, however often Flow repeats it, and only for the shop inside the signature."""

import base64
import hmac
import json
import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from shopify_app.db import Database
from shopify_app.lifecycle import registry
from shopify_app.lifecycle.slots import peek
from shopify_app.records import shops
from shopify_app.tables import FlowRun, Job, Shop, Transition
from tests.factories import SECRET, flow_body
from tests.lifecycle.making import a_version


def post(client: FlaskClient, handle: str, body: bytes, secret: str = SECRET, **headers: str) -> Any:
    signature = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    return client.post(f"/flow/{handle}", data=body, headers={"X-Shopify-Hmac-Sha256": signature, **headers})


@pytest.fixture
def changed(database: Database, alice: Shop) -> Shop:
    """Alice, with version 2 in charge of forecasts after version 1."""
    with database.transaction() as db:
        for number in (1, 2):
            a_version(db, alice, "forecast")
            registry.promote(db, alice, "forecast", number, actor="merchant", reason="try it")
    return alice


def in_charge(database: Database, shop: Shop) -> int | None:
    with database.reading() as db:
        seen = peek(db, shop.id, "forecast")
        version = registry.by_id(db, shop.id, seen.champion_id if seen else None)
        return version.number if version else None


def test_a_workflow_rolls_back(database: Database, changed: Shop, client: FlaskClient) -> None:
    answer = post(
        client, "roll-back-model", flow_body(changed.domain, "roll-back-model", task="forecast", expected_version=2.0)
    )
    assert answer.status_code == 200
    assert (answer.get_json()["changed"], answer.get_json()["to_version"]) == (True, 1)
    assert in_charge(database, changed) == 1
    with database.reading() as db:
        last = db.scalars(select(Transition).order_by(Transition.id.desc())).first()
        assert last is not None
        assert (last.kind, last.actor) == ("rollback", "Shopify Flow")


def test_the_same_run_is_done_once_and_answered_alike(database: Database, changed: Shop, client: FlaskClient) -> None:
    body = flow_body(changed.domain, "roll-back-model", run="run-1", task="forecast")
    answers = [post(client, "roll-back-model", body).get_json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert in_charge(database, changed) == 1
    with database.reading() as db:
        assert len(db.scalars(select(FlowRun)).all()) == 1


def test_the_same_run_twice_at_once_is_done_once(database: Database, changed: Shop, app: Flask) -> None:
    body = flow_body(changed.domain, "roll-back-model", run="run-1", task="forecast")
    answers: list[Any] = []

    def call() -> None:
        answers.append(post(app.test_client(), "roll-back-model", body).get_json())

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers[0] == answers[1] == answers[2]
    with database.reading() as db:
        assert len(db.scalars(select(Transition).where(Transition.kind == "rollback")).all()) == 1


def test_another_version_in_charge_is_left_alone(database: Database, changed: Shop, client: FlaskClient) -> None:
    body = flow_body(changed.domain, "roll-back-model", task="forecast", expected_version=1)
    assert post(client, "roll-back-model", body).get_json()["changed"] is False
    assert in_charge(database, changed) == 2


def test_with_nothing_to_go_back_to_the_workflow_is_told_so_once_and_for_all(
    database: Database, alice: Shop, client: FlaskClient
) -> None:
    body = flow_body(alice.domain, "roll-back-model", run="run-1", task="forecast")
    answers = [post(client, "roll-back-model", body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert answers[0].get_json() == answers[1].get_json()
    assert "no forecast version was in charge before" in answers[0].get_json()["message"]


def test_a_rollback_touches_no_other_shop(database: Database, changed: Shop, bob: Shop, client: FlaskClient) -> None:
    assert post(client, "roll-back-model", flow_body(bob.domain, "roll-back-model", task="forecast")).status_code == 409
    assert in_charge(database, changed) == 2


def test_the_shop_in_a_header_does_not_count_against_the_signed_one(
    changed: Shop, bob: Shop, client: FlaskClient
) -> None:
    body = flow_body(changed.domain, "roll-back-model", task="forecast")
    answer = post(client, "roll-back-model", body, **{"X-Shopify-Shop-Domain": bob.domain})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"task": "everything"},
        {"task": ["forecast"]},
        *({"task": "forecast", "expected_version": v} for v in ("x", 1.5, -1, True, [1], 1e300)),
    ],
)
def test_a_wrong_property_is_refused_for_good_with_a_reason(
    changed: Shop, client: FlaskClient, properties: dict[str, Any]
) -> None:
    answer = post(client, "roll-back-model", flow_body(changed.domain, "roll-back-model", **properties))
    assert answer.status_code == 400
    assert "has to be" in answer.get_json()["message"]


def test_a_workflow_asks_for_a_retrain(database: Database, alice: Shop, client: FlaskClient) -> None:
    body = flow_body(alice.domain, "retrain-model", reason="Black Friday is over")
    assert post(client, "retrain-model", body).status_code == 200
    with database.reading() as db:
        job = db.scalars(select(Job)).one()
        assert (job.kind, job.causes) == ("retrain", ["asked for by a workflow: Black Friday is over"])


def test_a_workflow_pauses_publishing_in_its_shop_only(
    database: Database, alice: Shop, bob: Shop, client: FlaskClient
) -> None:
    body = flow_body(alice.domain, "pause-publishing")
    assert [post(client, "pause-publishing", body).get_json() for _ in range(2)] == [{"changed": True}] * 2
    with database.reading() as db:
        assert shops.get(db, alice.id).settings == {"publish_lists": False}
        assert shops.get(db, bob.id).settings == {}


def test_an_unsigned_or_forged_action_does_nothing(database: Database, changed: Shop, client: FlaskClient) -> None:
    body = flow_body(changed.domain, "roll-back-model", task="forecast")
    assert client.post("/flow/roll-back-model", data=body).status_code == 400
    assert post(client, "roll-back-model", body, secret="wrong").status_code == 401
    assert in_charge(database, changed) == 2


def test_an_action_of_an_unknown_shop_is_refused_for_good(client: FlaskClient) -> None:
    body = flow_body("stranger.myshopify.com", "retrain-model")
    assert post(client, "retrain-model", body).status_code == 404


def test_a_body_that_is_no_json_is_refused(client: FlaskClient) -> None:
    assert post(client, "retrain-model", b"{").status_code == 400
    assert post(client, "retrain-model", json.dumps([]).encode()).status_code == 400
