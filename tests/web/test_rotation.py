"""A client secret is replaced: both open every door while both are set, then the old one opens none."""

import base64
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import update

from shopify_app import cli, clock, create_app, rotation
from shopify_app.config import Settings, secret_name
from shopify_app.db import Database
from shopify_app.records import tokens
from shopify_app.records.seal import Seal
from shopify_app.tables import Event, Shop
from tests import factories
from tests.factories import OLD_SECRET, SECRET
from tests.web.test_access import Pair

Stage = Callable[[str, str | None], Settings]


@pytest.fixture
def stage(settings: Settings) -> Stage:
    """The app as it is configured at one stage of the rotation."""
    return lambda current, old: replace(settings, api_secret=current, old_api_secret=old)


def doors(settings: Settings, shop: Shop, secret: str) -> dict[str, int]:
    """What each door answers to a request that is right in everything, signed with this secret."""
    client = create_app(settings).test_client()
    order, flow = factories.encoded(factories.order()), factories.flow_body(shop.domain, "pause-publishing")
    signature = base64.b64encode(hmac.digest(secret.encode(), flow, "sha256")).decode()
    asked = client.get(f"/auth/install?shop={shop.domain}")
    state = asked.headers["Location"].split("state=")[1].split("&")[0]
    answers = {
        "webhook": client.post(
            "/webhooks",
            data=order,
            headers=factories.webhook_headers(shop.domain, "orders/create", order, secret=secret),
        ),
        "flow": client.post("/flow/pause-publishing", data=flow, headers={"X-Shopify-Hmac-Sha256": signature}),
        "proxy": client.get(f"/proxy/recommendations?{factories.proxy_query(shop.domain, secret=secret)}"),
        "page": client.get(f"/settings?id_token={factories.id_token(shop.domain, secret=secret)}"),
        "consent": client.get(f"/auth/callback?{factories.oauth_query(shop.domain, state=state, secret=secret)}"),
    }
    return {name: answer.status_code for name, answer in answers.items()}


OPEN = {"webhook": 200, "flow": 200, "proxy": 404, "page": 200, "consent": 302}
"""404: a verified shopper of a shop that has no recommendations yet."""
SHUT = {"webhook": 401, "flow": 401, "proxy": 401, "page": 302, "consent": 401}
"""302: past App Bridge, for a token that may be better."""


def test_both_secrets_open_every_door_until_the_old_one_is_removed(
    database: Database, seal: Seal, alice: Shop, stage: Stage
) -> None:
    give(database, seal, alice, OLD_SECRET)
    before, overlap, after = stage(OLD_SECRET, None), stage(SECRET, OLD_SECRET), stage(SECRET, None)
    assert (doors(before, alice, OLD_SECRET), doors(before, alice, SECRET)) == (OPEN, SHUT)
    assert (doors(overlap, alice, OLD_SECRET), doors(overlap, alice, SECRET)) == (OPEN, OPEN)
    assert (doors(after, alice, OLD_SECRET), doors(after, alice, SECRET)) == (SHUT, OPEN)


def test_which_secret_opened_a_door_is_counted(alice: Shop, database: Database, seal: Seal, stage: Stage) -> None:
    give(database, seal, alice, SECRET)
    before = {(door, secret): count(door, secret) for door in COUNTED for secret in ("current", "old")}
    doors(stage(SECRET, OLD_SECRET), alice, OLD_SECRET)
    for door in COUNTED:
        assert count(door, "old") == before[door, "old"] + 1
        assert count(door, "current") == before[door, "current"]


COUNTED = ("flow", "proxy", "page", "consent")


def count(door: str, secret: str) -> float:
    return REGISTRY.get_sample_value("foretally_signed_with_total", {"door": door, "secret": secret}) or 0.0


def give(database: Database, seal: Seal, shop: Shop, secret: str) -> None:
    now = clock.now()
    pair = Pair(now + timedelta(hours=1), now + timedelta(days=90), minted_with=secret_name(secret))
    with database.transaction() as db:
        tokens.save(db, shop.id, pair, seal)


def report(database: Database, settings: Settings) -> dict[str, Any]:
    with database.reading() as db:
        return rotation.report(db, settings, clock.now())


def test_the_report_leads_from_one_secret_to_the_next(
    database: Database, seal: Seal, alice: Shop, bob: Shop, stage: Stage
) -> None:
    overlap = stage(SECRET, OLD_SECRET)
    give(database, seal, alice, OLD_SECRET)
    give(database, seal, bob, SECRET)
    told = report(database, overlap)
    assert (told["current_secret"], told["old_secret"]) == (secret_name(SECRET), secret_name(OLD_SECRET))
    assert told["shops_with_tokens_of_another_secret"] == 1
    assert told["next"].startswith("wait: the heartbeat renews")
    give(database, seal, alice, SECRET)
    assert report(database, overlap)["next"].startswith("wait for deliveries")
    deliver(overlap, alice, OLD_SECRET)
    told = report(database, overlap)
    assert told["deliveries_in_the_last_day"] == {"current": 0, "old": 1}
    assert told["next"].startswith("revoke the old secret at Shopify: tokens no longer need it")
    deliver(overlap, alice, SECRET)
    told = report(database, overlap)
    assert told["deliveries_in_the_last_day"] == {"current": 1, "old": 1}
    assert told["next"].startswith("wait: deliveries signed with the old secret may be repeated until")
    six_hours_pass(database)
    assert "remove SHOPIFY_OLD_API_SECRET" in report(database, overlap)["next"]
    assert report(database, stage(SECRET, None))["next"] == "nothing: only one secret is accepted"


def deliver(settings: Settings, shop: Shop, secret: str) -> None:
    body = factories.encoded(factories.order())
    headers = factories.webhook_headers(shop.domain, "orders/create", body, secret=secret)
    assert create_app(settings).test_client().post("/webhooks", data=body, headers=headers).status_code == 200


def six_hours_pass(database: Database) -> None:
    with database.transaction() as db:
        db.execute(update(Event).values(received_at=clock.now() - timedelta(hours=6)))


def test_the_command_names_the_secrets_and_never_shows_them(
    database: Database, alice: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        "SHOPIFY_API_KEY": factories.KEY,
        "SHOPIFY_API_SECRET": SECRET,
        "SHOPIFY_OLD_API_SECRET": OLD_SECRET,
        "APP_URL": "https://app.example.com",
        "DATABASE_URL": database.url,
        "ENCRYPTION_KEYS": base64.urlsafe_b64encode(b"k" * 32).decode(),
    }.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["--json", "secrets"]) == 0
    said = capsys.readouterr().out
    assert json.loads(said)["old_secret"] == secret_name(OLD_SECRET)
    assert SECRET not in said
    assert OLD_SECRET not in said
    assert cli.main(["secrets"]) == 0
    assert "next: wait for deliveries" in capsys.readouterr().out
