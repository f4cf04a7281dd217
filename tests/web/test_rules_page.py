"""Rules are set in plain words: what can be is kept, what cannot is said beside its field, and lists follow."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from shopify_app.db import Database
from shopify_app.lifecycle.rules import Rules
from shopify_app.records import ingest
from shopify_app.tables import Job, Shop
from tests import factories

WHOLE = {
    "excluded_tags": "clearance,  Wholesale ,clearance",
    "excluded_vendors": "",
    "vendor": "other",
    "cheapest_percent": "50",
    "dearest_percent": "",
    "most_of_a_type": "2",
    "most_of_a_vendor": "",
    "pinned": "product-2",
    "pins": "product-1: product-3, product-2; product-2: product-1",
}


@pytest.fixture(autouse=True)
def products(database: Database, alice: Shop, bob: Shop) -> None:
    """Three products in Alice's shop, and others in Bob's."""
    with database.transaction() as db:
        for shop, first in ((alice, 1), (bob, 7)):
            for number in range(first, first + 3):
                ingest.apply(db, shop, "products/create", factories.product(number), business_clock="data")


def send(client: FlaskClient, shop: Shop, **form: Any) -> Any:
    signed = {"Authorization": f"Bearer {factories.id_token(shop.domain)}"}
    return client.post("/settings/rules", data=WHOLE | form, headers=signed)


def kept(database: Database, shop: Shop) -> Rules:
    with database.reading() as db:
        return Rules.of(db.get_one(Shop, shop.id).settings)


def test_what_was_entered_is_kept_for_this_shop_and_lists_are_written_again(
    client: FlaskClient, database: Database, alice: Shop, bob: Shop
) -> None:
    assert send(client, alice).status_code == 303
    assert kept(database, alice) == Rules(
        excluded_tags=("clearance", "Wholesale"),
        vendor="other",
        cheapest_percent=50,
        most_of_a_type=2,
        pinned=(2,),
        pins={1: (3, 2), 2: (1,)},
    )
    assert kept(database, bob) == Rules()
    with database.reading() as db:
        assert db.scalars(select(Job.shop_id).where(Job.kind == "publish")).all() == [alice.id]
    page = client.get("/settings/rules", headers={"Authorization": f"Bearer {factories.id_token(alice.domain)}"})
    assert 'value="product-1: product-3, product-2; product-2: product-1"' in page.text
    assert send(client, alice, **dict.fromkeys(WHOLE, "")).status_code == 303
    assert kept(database, alice) == Rules()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("pinned", "product-7", "There is no product “product-7”"),
        ("pins", "product-1 product-2", "a colon"),
        ("pins", "product-1:", "a colon"),
        ("most_of_a_type", "many", "Enter a whole number."),
        ("dearest_percent", "40", "the other end of the band"),
    ],
)
def test_a_mistake_is_said_beside_its_field_and_nothing_is_kept(
    client: FlaskClient, database: Database, alice: Shop, field: str, value: str, said: str
) -> None:
    answer = send(client, alice, **{field: value})
    assert answer.status_code == 422
    assert said in answer.text
    assert kept(database, alice) == Rules()
