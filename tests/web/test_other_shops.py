"""Two shops with the same ids: no page of one changes with the other, and nothing that one sends changes the other."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.platform.oauth import TokenPair
from shopify_app.records import jobs, mailings, tokens, vendors
from shopify_app.records.objects import Objects
from shopify_app.records.seal import Seal
from shopify_app.records.vendors import Bought
from shopify_app.tables import Alert, Base, Evaluation, OrderLine, Product, PublishedList, Shop
from tests.browser import history
from tests.browser.conftest import neighbours
from tests.conftest import Deliver
from tests.factories import id_token
from tests.web.test_default_deny import VALUES, routes

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # what is asked is the same on both
ANN, BEN = "ann.myshopify.com", "ben.myshopify.com"
QUERIES = ("", "?by=type", "?q=a", "?show=all", "?show=out", "?show=ordered", "?product=1005", "?name=Kiln+%26+Co")
CLOCK_TIME = re.compile(r"\b\d\d:\d\d\b")
FORM = {
    "vendor": "Kiln & Co",
    "units-1001": "7",
    "purchased_on": str(history.TODAY),
    "publish": "no",
    "run": "yes",
    "name": "Kiln & Co",
    "lead_days": "3",
    "expected": "1",
    "excluded_tags": "all",
    "first_on": str(history.TODAY),
    "last_on": str(history.TODAY),
    "code": "TEA",
}


def settle(db: Session, objects: Objects, seal: Seal, domain: str, bundle: str) -> Shop:
    """A shop with a past, which has the app; both have the same ids."""
    shop, later = history.shop(db, domain), clock.now() + timedelta(days=1)
    tokens.save(db, shop.id, TokenPair("access", shop.scopes, later, "refresh", later, ""), seal)
    history.past(db, objects, shop, clock.now(), bundle)
    return shop


def differ(db: Session, ben: Shop) -> None:
    """Other numbers and words under the same ids, and an alarm, orders and work of its own."""
    for table, values in {
        Product: {"title": "Ben's", "vendor": "Ben's vendor", "product_type": "Ben's type", "units_in_stock": 3},
        OrderLine: {"units": 77},
        Evaluation: {"accuracy": 0.111, "actual_units": 5.0},
        Alert: {"message": "Ben's alert"},
        PublishedList: {"neighbours": [1]},
    }.items():
        db.execute(update(table).where(table.__table__.c.shop_id == ben.id).values(**values))
    history.alarm(db, ben)
    mailings.ask(db, ben.id)
    vendors.say(db, ben.id, "Kiln & Co", {"lead_days": 99})
    vendors.buy(db, ben.id, history.TODAY, [Bought(1001, 5000, history.TODAY + timedelta(days=9))])
    for kind in ("retrain", "publish", "mailing", "backfill"):
        jobs.ask(db, ben.id, kind, "Ben's cause")


def as_ann(client: FlaskClient, method: str, path: str) -> tuple[int, str]:
    sent = {"data": FORM} if method == "POST" else {}
    answer = client.open(path, method=method, headers={"Authorization": f"Bearer {id_token(ANN)}"}, **sent)
    return answer.status_code, CLOCK_TIME.sub("", answer.text)


def paths(app: Flask, method: str) -> list[str]:
    """Every page's address, with ids that both shops have."""
    found = [rule for one, rule in routes(app) if one == method]
    own = [rule for rule in found if not rule.startswith(("/auth", "/flow", "/healthz", "/metrics", "/pixel"))]
    own = [rule for rule in own if not rule.startswith(("/proxy", "/readyz", "/static", "/webhooks"))]
    named = VALUES | {"product_id": 1001, "number": 2}
    return [re.sub(r"<(?:\w+:)?(\w+)>", lambda name: str(named[name[1]]), rule) for rule in own]


def rows_of(database: Database, shop: Shop) -> dict[str, list[Any]]:
    with database.reading() as db:
        tables = [table for table in Base.metadata.sorted_tables if "shop_id" in table.c]
        found = {t.name: db.execute(select(t).where(t.c.shop_id == shop.id)).all() for t in tables}
        found["shops"] = list(db.execute(select(Shop.__table__).where(Shop.id == shop.id)).all())
    return {name: sorted(map(str, rows)) for name, rows in found.items()}


def test_another_shop_changes_no_page_and_is_changed_by_none(
    app: Flask,
    client: FlaskClient,
    database: Database,
    settings: Settings,
    objects: Objects,
    seal: Seal,
    deliver: Deliver,
    drain: Callable[[], int],
) -> None:
    with database.transaction() as db:
        bundle = neighbours(settings)
        settle(db, objects, seal, ANN, bundle)
    pages = [path + query for path in paths(app, "GET") for query in QUERIES]
    alone = {path: as_ann(client, "GET", path) for path in pages}
    assert sum(status == 200 for status, _ in alone.values()) > len(pages) / 2
    with database.transaction() as db:
        ben = settle(db, objects, seal, BEN, bundle)
        differ(db, ben)
    asked = {"customer": {"id": 1, "email": "a@example.com"}, "orders_requested": [1], "data_request": {"id": 3}}
    deliver(BEN, "customers/data_request", {"shop_domain": BEN, **asked})
    drain()
    beside = {path: as_ann(client, "GET", path) for path in pages}
    assert [path for path in pages if beside[path] != alone[path]] == []
    before = rows_of(database, ben)
    sent = {path: as_ann(client, "POST", path)[0] for path in paths(app, "POST")}
    assert set(sent.values()) <= {200, 303, 404, 409, 422}
    assert rows_of(database, ben) == before
