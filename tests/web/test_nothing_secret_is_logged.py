"""Whatever happens at the doors, good or bad: no token, secret, signature or customer gets into the log."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from shopify_app import access, clock
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.errors import NeedsReopening
from shopify_app.log import configure, log
from shopify_app.platform import http
from shopify_app.records import tokens
from shopify_app.records.seal import Seal
from shopify_app.tables import Shop
from tests import factories
from tests.web.conftest import Send, SmallShopify
from tests.web.test_access import Pair

DORA = "dora.myshopify.com"
SECRETS = re.compile(r"eyJ[\w-]{10}|shpat_|shprt_|shpss_|[0-9a-f]{64}|[A-Za-z0-9+/]{43}=|@example\.com|a-code")
"""ID tokens, access and refresh tokens, client secrets, signatures of both kinds, e-mails, authorization codes."""


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # nothing here is about the database
def test_nothing_secret_is_logged(
    client: FlaskClient,
    database: Database,
    settings: Settings,
    seal: Seal,
    alice: Shop,
    visit: Send,
    send: Send,
    shopify: SmallShopify,
    capfd: pytest.CaptureFixture[str],
) -> None:
    visit(DORA)
    shopify.refuse = "invalid_subject_token"
    visit("erin.myshopify.com")
    shopify.refuse = "invalid_client"
    visit("frank.myshopify.com")
    for secret in (factories.SECRET, "another-secret-of-thirty-two-characters"):
        send(alice, "orders/create", factories.order(email="anna@example.com"), secret=secret)
        client.get(f"/proxy/recommendations?{factories.proxy_query(alice.domain, secret=secret)}")
        client.get(f"/auth/callback?{factories.oauth_query(alice.domain, state='x', secret=secret)}")
        client.get("/settings", query_string={"id_token": factories.id_token(alice.domain, secret=secret)})
    with database.transaction() as db:
        tokens.save(db, alice.id, Pair(clock.now(), clock.now() + timedelta(days=1)), seal)
    shopify.refuse = "invalid_grant"
    with pytest.raises(NeedsReopening):
        access.token_for(database, settings, alice, http.session(shopify.url))
    said = "".join(capfd.readouterr())
    assert "the token is lost" in said
    assert "shop installed" in said
    assert SECRETS.findall(said) == []


@pytest.mark.parametrize("environment", ["development", "production"])
def test_a_statement_that_fails_is_logged_without_its_values(
    client: FlaskClient, database: Database, alice: Shop, capfd: pytest.CaptureFixture[str], environment: str
) -> None:
    configure(as_json=environment == "production")
    with database.transaction() as db:
        db.execute(text("ALTER TABLE flow_runs RENAME TO away"))
    body = factories.flow_body(alice.domain, "retrain-model", reason="Anna Berg rang up")
    try:
        headers = factories.webhook_headers(alice.domain, "flow", body)
        assert client.post("/flow/retrain-model", data=body, headers=headers).status_code == 500
    finally:
        with database.transaction() as db:
            db.execute(text("ALTER TABLE away RENAME TO flow_runs"))
    said = "".join(capfd.readouterr())
    assert "INSERT INTO flow_runs" in said
    assert "Anna" not in said


def test_what_is_secret_by_its_name_is_struck_out_wherever_it_comes_from(capfd: pytest.CaptureFixture[str]) -> None:
    configure(as_json=True)
    log.info(
        "a careless line",
        access_token="shpat_1",
        hmac="abcdefgh",
        authorization="Bearer x",
        customer_id=98765432123,
        shop=DORA,
    )
    said = "".join(capfd.readouterr())
    assert DORA in said
    assert not re.search(r"shpat_1|abcdefgh|Bearer|98765432123", said.split("careless line")[1])
