"""What watches over the app hears the truth, and no shop's name."""

from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from shopify_app import create_app
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.records import canary
from shopify_app.tables import Shop
from tests.factories import order
from tests.web.conftest import Send

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # nothing here is about the database


def test_a_process_that_answers_is_alive(client: FlaskClient) -> None:
    assert client.get("/healthz").text == "ok\n"


def test_everything_there_is_ready(database: Database, client: FlaskClient) -> None:
    with database.transaction() as db:
        canary.touch(db)
    told = client.get("/readyz")
    assert (told.status_code, told.get_json()) == (
        200,
        {"status": "ok", "database": "ok", "objects": "ok", "broker": "ok", "worker": "ok"},
    )


def test_without_a_worker_deliveries_are_still_taken_and_the_lack_is_told(client: FlaskClient) -> None:
    told = client.get("/readyz")
    assert (told.status_code, told.get_json()["status"], told.get_json()["worker"]) == (
        200,
        "degraded",
        "never heard of",
    )


def test_a_broker_that_does_not_answer_is_told(settings: Settings) -> None:
    app = create_app(replace(settings, broker_url="redis://127.0.0.1:1/0"))
    assert app.test_client().get("/readyz").get_json()["broker"].startswith("failed")


def test_without_a_database_nothing_is_ready(settings: Settings, tmp_path: Path) -> None:
    app = create_app(replace(settings, database_url="postgresql+psycopg://nobody@127.0.0.1:1/nothing"))
    told = app.test_client().get("/readyz")
    assert (told.status_code, told.get_json()["status"]) == (503, "down")


def test_metrics_count_and_name_no_shop(alice: Shop, client: FlaskClient, send: Send) -> None:
    send(alice, "orders/create", order(), webhook_id="w-1")
    send(alice, "orders/create", order(), webhook_id="w-1")
    told = client.get("/metrics").text
    assert 'foretally_webhooks_total{outcome="accepted"}' in told
    assert 'foretally_webhooks_total{outcome="repeated"}' in told
    assert "foretally_inbox_pending 1.0" in told
    assert "foretally_inbox_parked 0.0" in told
    assert "alice" not in told
