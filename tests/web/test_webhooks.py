"""A signed delivery is stored before it is answered, once; everything else is turned away and leaves no trace."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from shopify_app.db import Database
from shopify_app.tables import Event, Order, Shop
from shopify_app.web import body as body_limits
from tests import factories
from tests.factories import OLD_SECRET, encoded, order, webhook_headers
from tests.web.conftest import Send

Drain = Callable[[], int]
ROOT = Path(__file__).parents[2]


def stored(database: Database) -> int:
    with database.reading() as db:
        return db.scalar(select(func.count()).select_from(Event)) or 0


def test_a_signed_order_is_stored_and_becomes_rows(
    database: Database, alice: Shop, bob: Shop, send: Send, drain: Drain
) -> None:
    assert send(alice, "orders/create", order(lines=((1, 2, "1.00"),))).status_code == 200
    assert send(bob, "orders/create", order(lines=((1, 5, "1.00"),))).status_code == 200
    drain()
    with database.reading() as db:
        assert db.execute(select(Order.shop_id, Order.total_amount).order_by(Order.shop_id)).all() == [
            (alice.id, 2.0),
            (bob.id, 5.0),
        ]


def test_a_repeated_delivery_is_answered_alike_and_counts_once(
    database: Database, alice: Shop, send: Send, drain: Drain
) -> None:
    answers = [send(alice, "orders/create", order(), webhook_id="w-1").status_code for _ in range(5)]
    drain()
    assert answers == [200] * 5
    assert stored(database) == 1


def test_a_delivery_signed_with_the_secret_before_the_rotation_is_taken(
    database: Database, alice: Shop, send: Send
) -> None:
    assert send(alice, "orders/create", order(), secret=OLD_SECRET).status_code == 200
    with database.reading() as db:
        assert db.scalars(select(Event)).one().secret_used == "old"


@pytest.mark.parametrize("secret", ["wrong", factories.KEY])
def test_a_wrong_signature_is_refused_and_nothing_is_stored(
    database: Database, alice: Shop, send: Send, secret: str
) -> None:
    assert send(alice, "orders/create", order(), secret=secret).status_code == 401
    assert stored(database) == 0


def test_a_signature_over_the_same_json_written_differently_is_refused(
    database: Database, alice: Shop, client: FlaskClient
) -> None:
    headers = webhook_headers(alice.domain, "orders/create", encoded(order()))
    rewritten = json.dumps(order(), indent=1).encode()
    assert client.post("/webhooks", data=rewritten, headers=headers).status_code == 401
    assert stored(database) == 0


def test_a_signature_that_is_cut_short_is_refused(database: Database, alice: Shop, client: FlaskClient) -> None:
    body = encoded(order())
    whole = webhook_headers(alice.domain, "orders/create", body)
    for kept in range(len(whole["X-Shopify-Hmac-Sha256"])):
        cut = whole | {"X-Shopify-Hmac-Sha256": whole["X-Shopify-Hmac-Sha256"][:kept]}
        assert client.post("/webhooks", data=body, headers=cut).status_code in (400, 401)
    assert stored(database) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"X-Shopify-Hmac-Sha256": ""},
        {"X-Shopify-Hmac-Sha256": "é"},
        {"X-Shopify-Shop-Domain": "evil.example.com"},
        {"X-Shopify-Shop-Domain": ""},
        {"X-Shopify-Topic": ""},
    ],
)
def test_a_delivery_with_a_broken_header_is_refused(
    database: Database, alice: Shop, client: FlaskClient, changes: dict[str, str]
) -> None:
    body = encoded(order())
    headers = webhook_headers(alice.domain, "orders/create", body) | changes
    assert client.post("/webhooks", data=body, headers=headers).status_code in (400, 401)
    assert stored(database) == 0


def test_bytes_that_are_no_text_are_stored_all_the_same(database: Database, alice: Shop, send: Send) -> None:
    assert send(alice, "orders/create", b"\xff\x00\xfe").status_code == 200
    assert stored(database) == 1


def test_a_big_order_is_taken_and_a_huge_one_refused_after_reading(database: Database, alice: Shop, send: Send) -> None:
    assert send(alice, "orders/create", b" " * 600_000 + encoded(order())).status_code == 200
    assert send(alice, "orders/create", b" " * (body_limits.LARGEST + 1)).status_code == 413
    assert stored(database) == 1


def test_only_post_is_answered(client: FlaskClient) -> None:
    assert client.get("/webhooks").status_code == 405


def test_without_a_database_shopify_is_asked_to_come_again(
    app: Flask, database: Database, alice: Shop, send: Send
) -> None:
    with database.transaction() as db:
        db.execute(text("ALTER TABLE inbox RENAME TO hidden"))
    try:
        answer = send(alice, "orders/create", order())
    finally:
        with database.transaction() as db:
            db.execute(text("ALTER TABLE hidden RENAME TO inbox"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert send(alice, "orders/create", order()).status_code == 200


def test_a_locked_database_is_given_up_within_four_seconds(database: Database, alice: Shop, send: Send) -> None:
    with database.transaction() as db:
        if not database.is_sqlite:
            db.execute(text("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE"))
        started = time.monotonic()
        answer = send(alice, "orders/create", order())
        took = time.monotonic() - started
    assert answer.status_code == 503
    assert took < 4
    assert stored(database) == 0


def test_a_broken_broker_does_not_cost_the_answer(
    settings: object, database: Database, alice: Shop, tmp_path: Path, send: Send
) -> None:
    (tmp_path / "broker").write_text("a file where a folder should be")
    assert send(alice, "orders/create", order()).status_code == 200
    assert stored(database) == 1


def test_the_web_process_starts_without_pandas_or_any_training_library(tmp_path: Path) -> None:
    ask = (
        "import sys, shopify_app; shopify_app.create_app(); import shopify_app.web.webhooks;"
        "heavy = ('pandas', 'pyarrow', 'duckdb', 'scipy', 'prophet', 'xgboost', 'celery', 'matplotlib');"
        "print([name for name in heavy if name in sys.modules])"
    )
    environ = {
        "PATH": os.environ["PATH"],
        "SHOPIFY_API_KEY": "key",
        "SHOPIFY_API_SECRET": "secret",
        "APP_URL": "https://app.example.com",
        "FORETALLY_VAR": str(tmp_path),
    }
    done = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "[]"
