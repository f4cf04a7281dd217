"""What Shopify's own Python package (`shopifyapp` 1.0.2) was measured to get wrong, one test each, at our doors."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.errors import Throttled
from shopify_app.platform import http as sessions
from shopify_app.platform.admin_api import AdminApi
from shopify_app.records import jobs, tokens
from shopify_app.tables import Event, Job, Shop
from tests.factories import encoded, order, webhook_headers
from tests.platform.conftest import LocalShopify
from tests.platform.conftest import shopify as told
from tests.web.conftest import Send
from tests.web.test_access import Pair
from tests.workers.conftest import context
from workers import run
from workers.context import Context

ONE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # nothing here is about the database
__all__ = ["context", "told"]


def api(told: LocalShopify) -> AdminApi:
    return AdminApi("alice.myshopify.com", "shpat_1", sessions.session(told.url))


@pytest.mark.parametrize("name", ["Retry-After", "retry-after", "RETRY-AFTER"])
def test_retry_after_is_read_however_it_is_spelled(told: LocalShopify, name: str) -> None:
    told.will_answer("", status=429, headers={name: "3.5"})
    with pytest.raises(Throttled) as caught:
        api(told).run("shop_facts")
    assert caught.value.wait == 3.5


def test_throttled_in_an_answer_of_200_waits_for_what_the_query_costs(told: LocalShopify) -> None:
    bucket = {"maximumAvailable": 2000.0, "currentlyAvailable": 100.0, "restoreRate": 100.0}
    cost = {"requestedQueryCost": 500, "actualQueryCost": None, "throttleStatus": bucket}
    told.will_answer({"errors": [{"extensions": {"code": "THROTTLED"}}], "extensions": {"cost": cost}})
    with pytest.raises(Throttled) as caught:
        api(told).run("shop_facts")
    assert caught.value.wait == (500 - 100) / 100


def test_a_network_error_is_tried_again_by_the_job(database: Database, alice: Shop, context: Context) -> None:
    alone = replace(context, session=sessions.session("http://127.0.0.1:9"))
    now = clock.now()
    with database.transaction() as db:
        pair = Pair(now + timedelta(hours=1), now + timedelta(days=90))
        tokens.save(db, alice.id, pair, context.seal)
        jobs.ask(db, alice.id, "backfill", "a test")
    assert run.drain(alone, ["backfill"]) == 1
    with database.reading() as db:
        job = db.scalars(select(Job)).one()
    assert (job.state, job.attempts) == ("pending", 0)
    assert "no answer (ConnectionError)" in (job.error or "")
    assert now < job.due_at < now + timedelta(minutes=2)


def test_a_signature_that_is_no_ascii_is_401_and_no_crash(alice: Shop, client: FlaskClient) -> None:
    body = encoded(order())
    headers = webhook_headers(alice.domain, "orders/create", body) | {"X-Shopify-Hmac-Sha256": "Ünterschrift"}
    assert client.post("/webhooks", data=body, headers=headers).status_code == 401
    assert client.post("/flow/retrain-model", data=body, headers=headers).status_code == 401


def test_the_patch_page_puts_no_unchecked_shop_into_its_policy(client: FlaskClient) -> None:
    answer = client.get("/auth/patch-id-token?shop=evil.com%3B%20script-src%20*&shopify-reload=%2F")
    assert answer.status_code == 400
    assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'none'"


def test_an_issuer_other_than_the_destination_is_refused(alice: Shop, bob: Shop, visit: Send) -> None:
    assert visit(alice, iss=f"https://{bob.domain}/admin").status_code == 302
    assert visit(alice, iss=f"https://{alice.domain}/admin").status_code == 200


@pytest.mark.parametrize("claim", ["exp", "nbf"])
def test_a_token_that_does_not_say_when_it_holds_is_refused(alice: Shop, visit: Send, claim: str) -> None:
    assert visit(alice, **{claim: None}).status_code == 302


def test_a_signed_delivery_that_names_no_shop_is_refused(database: Database, alice: Shop, client: FlaskClient) -> None:
    body = encoded(order())
    headers = webhook_headers(alice.domain, "orders/create", body)
    del headers["X-Shopify-Shop-Domain"]
    assert client.post("/webhooks", data=body, headers=headers).status_code == 400
    assert stored(database) == 0


@pytest.mark.parametrize(
    "body", [b'{"note": "\xff\xfe"}', b'\xef\xbb\xbf{"id": 1}', '{"name": "Zoë"}'.encode("latin-1")]
)
def test_the_signature_is_over_the_bytes_and_not_over_their_text(
    database: Database, alice: Shop, client: FlaskClient, body: bytes
) -> None:
    headers = webhook_headers(alice.domain, "orders/create", body)
    assert client.post("/webhooks", data=body, headers=headers).status_code == 200
    mended = body.decode("utf-8", "replace").encode()
    headers = webhook_headers(alice.domain, "orders/create", body)
    if mended != body:
        assert client.post("/webhooks", data=mended, headers=headers).status_code == 401
    assert stored(database) == 1


def stored(database: Database) -> int:
    with database.reading() as db:
        return db.scalar(select(func.count()).select_from(Event)) or 0
