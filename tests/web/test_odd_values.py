"""Values that a database has no place for: they are answered, on either database, and nothing of them is kept."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from shopify_app.db import Database
from shopify_app.tables import FlowRun, Job, Shop
from tests import factories

TOO_LARGE = (2**31, 2**63, 10**30, 10**400)


@pytest.fixture
def flow(client: FlaskClient) -> Callable[..., TestResponse]:
    """Call an action as Flow does: `flow(alice, "retrain-model", reason="…")`."""

    def call(shop: Shop, handle: str, **properties: Any) -> TestResponse:
        body = factories.flow_body(shop.domain, handle, **properties)
        return client.post(f"/flow/{handle}", data=body, headers=factories.webhook_headers(shop.domain, "flow", body))

    return call


@pytest.mark.parametrize("path", ["/recommendations?q=a%00b", "/forecasts?type=%00", "/?%00=1"])
def test_a_query_with_nul_in_it_is_refused(client: FlaskClient, alice: Shop, path: str) -> None:
    assert client.get(path, headers=bearer(alice)).status_code == 400


@pytest.mark.parametrize("field", ["excluded_tags", "excluded_vendors", "pinned", "pins", "\x00"])
def test_a_form_with_nul_in_it_is_refused(client: FlaskClient, alice: Shop, field: str) -> None:
    assert client.post("/settings/rules", data={field: "a\x00b"}, headers=bearer(alice)).status_code == 400


@pytest.mark.parametrize("number", TOO_LARGE)
def test_a_number_beyond_every_column_names_nothing(client: FlaskClient, alice: Shop, number: int) -> None:
    for path in ("/recommendations", "/promotions"):
        assert client.get(f"{path}?product={number}", headers=bearer(alice)).status_code == 200
    for path in ("/models/forecast/{}", "/forecasts/{}", "/settings/exports/{}.json"):
        assert client.get(path.format(number), headers=bearer(alice)).status_code == 404
    promoted = client.post(f"/models/forecast/{number}/promote", headers=bearer(alice))
    assert promoted.status_code == 404


@pytest.mark.parametrize("reason", ["a\x00b", "\ud800", math.inf, math.nan])
def test_an_action_with_what_no_database_keeps_ends_instead_of_coming_again(
    database: Database, flow: Callable[..., TestResponse], alice: Shop, reason: str | float
) -> None:
    for handle in ("retrain-model", "pause-publishing"):
        answer = flow(alice, handle, reason=reason)
        assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_json")
    with database.reading() as db:
        assert [db.scalars(select(table)).all() for table in (FlowRun, Job)] == [[], []]


@pytest.mark.parametrize("number", TOO_LARGE)
def test_a_workflow_that_expects_a_version_beyond_every_number_is_told_so(
    flow: Callable[..., TestResponse], alice: Shop, number: int
) -> None:
    answer = flow(alice, "roll-back-model", task="forecast", expected_version=number)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_expected_version")


def bearer(shop: Shop) -> dict[str, Any]:
    return {"Authorization": f"Bearer {factories.id_token(shop.domain)}"}
