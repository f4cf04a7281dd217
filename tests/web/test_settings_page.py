"""Settings: how long data is kept, and requests about customers' data with their files."""

from collections.abc import Callable, Mapping
from dataclasses import asdict

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from shopify_app.db import Database
from shopify_app.policy import Policy
from shopify_app.records import exports, shops
from shopify_app.records.objects import Objects
from shopify_app.records.seal import Seal
from shopify_app.tables import Export, Shop
from shopify_app.web.pages import settings as page
from tests import factories
from tests.conftest import Deliver
from tests.records.people import Buyer
from tests.web.conftest import Send

BUYER = Buyer()


def form(**changes: str) -> Mapping[str, str]:
    """The form as it stands, with some fields changed."""
    shown = {name: "yes" if value is True else str(value) for name, value in page._shown(Policy()).items()}
    return {name: value for name, value in {**shown, **changes}.items() if value != "False"}


@pytest.fixture
def bearer() -> Callable[[Shop], dict[str, str]]:
    return lambda shop: {"Authorization": f"Bearer {factories.id_token(shop.domain)}"}


@pytest.fixture
def asked(alice: Shop, bob: Shop, deliver: Deliver, drain: Callable[[], int]) -> None:
    """The same customer bought in both shops, and asks in one what is held about them."""
    for shop in (alice, bob):
        deliver(shop, "orders/create", BUYER.buys(1))
    request = BUYER.asks(alice.domain, "orders_requested", 1) | {"data_request": {"id": 9999}}
    deliver(alice, "customers/data_request", request)
    drain()


def test_how_long_data_is_kept_is_a_setting_of_the_shop(
    database: Database, alice: Shop, bob: Shop, client: FlaskClient, bearer: Callable[[Shop], dict[str, str]]
) -> None:
    changes = {
        "keep_events_days": "400",
        "keep_versions_days": "30",
        "keep_snapshots_days": "7",
        "keep_views_days": "1",
    }
    assert client.post("/settings", data=form(**changes), headers=bearer(alice)).status_code == 303
    with database.reading() as db:
        kept = asdict(Policy.of(shops.get(db, alice.id).settings))
        assert {name: kept[name] for name in changes} == {name: int(value) for name, value in changes.items()}
        assert shops.get(db, bob.id).settings == {}
    answer = client.post("/settings", data=form(keep_events_days="0"), headers=bearer(alice))
    assert (answer.status_code, "Enter a number from 1 to 3650." in answer.text) == (422, True)


def test_everything_that_is_kept_for_a_while_is_on_the_page(alice: Shop, visit: Send) -> None:
    shown = visit(alice).text
    for name in asdict(Policy()):
        assert not name.startswith("keep_") or f'name="{name}"' in shown, name


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"rollback_deadline_hours": "1", "max_rollbacks": "1"},
            "within 1 hour the app rolls back itself, at most 1 time in",
        ),
        ({"rollback_deadline_hours": "2.5"}, "within 2.5 hours the app rolls back itself, at most 2 times in"),
        ({"rollback_deadline_hours": "0"}, "The app does not roll back by itself"),
        ({"max_rollbacks": "0"}, "The app does not roll back by itself"),
    ],
)
def test_the_alerts_page_tells_when_the_app_rolls_back_by_these_settings(
    alice: Shop,
    visit: Send,
    client: FlaskClient,
    bearer: Callable[[Shop], dict[str, str]],
    changes: dict[str, str],
    told: str,
) -> None:
    assert client.post("/settings", data=form(**changes), headers=bearer(alice)).status_code == 303
    assert told in visit(alice, "/alerts").text


def test_a_customers_file_is_listed_and_fetched_by_its_own_shop_alone(
    database: Database,
    objects: Objects,
    seal: Seal,
    asked: None,
    alice: Shop,
    bob: Shop,
    client: FlaskClient,
    visit: Send,
    bearer: Callable[[Shop], dict[str, str]],
) -> None:
    assert "The file is being made." in visit(alice).text
    exports.make_all(database, objects, seal)
    with database.reading() as db:
        export_id = db.scalars(select(Export.id)).one()
    address = f"/settings/exports/{export_id}.json"
    shown = visit(alice).text
    assert address in shown
    assert "request 9999" in shown
    assert "1 order and 1 message from Shopify" in shown
    answer = client.get(address, headers=bearer(alice))
    assert (answer.status_code, BUYER.email in answer.text) == (200, True)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="customer-data-{export_id}.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    with database.reading() as db:
        assert db.scalars(select(Export.fetched_at)).one() is not None
    assert address not in visit(bob).text
    assert client.get(address, headers=bearer(bob)).status_code == 404
    assert client.get(address).status_code == 302


def test_a_forgotten_customer_is_listed_in_counts_and_the_file_goes(
    database: Database,
    objects: Objects,
    seal: Seal,
    asked: None,
    alice: Shop,
    deliver: Deliver,
    drain: Callable[[], int],
    visit: Send,
) -> None:
    exports.make_all(database, objects, seal)
    deliver(alice, "customers/redact", BUYER.asks(alice.domain, "orders_to_redact", 1))
    drain()
    shown = visit(alice).text
    assert "1 order stays as a sale without a customer" in shown
    assert "The file is gone" in shown
    assert ".json" not in shown
    assert str(BUYER.customer_id) not in shown


def test_a_request_by_an_address_alone_says_what_could_not_be_searched(
    alice: Shop, deliver: Deliver, drain: Callable[[], int], visit: Send
) -> None:
    deliver(alice, "orders/create", factories.order(1))
    request = {"shop_domain": alice.domain, "customer": {"email": BUYER.email}, "orders_to_redact": []}
    deliver(alice, "customers/redact", request)
    drain()
    shown = visit(alice).text
    assert "Nothing of this customer’s was found (by the address alone; 1 of 1 message about orders hold none" in shown
