"""What was put into the cart from a list and then bought is known from the order itself, and stays known."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from shopify_app.db import Database
from shopify_app.records import facts, ingest, payloads
from shopify_app.tables import OrderLine, Shop
from shopify_app.web.pages.reading import lists, standing
from tests import factories

LATER = "2026-03-03T10:00:00+00:00"
NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)


def bought(beside: Any = None, **changes: Any) -> dict[str, Any]:
    """An order of two products, the first of them put into the cart from the list of `beside`."""
    whole = factories.order(lines=((1, 1, "9.50"), (2, 1, "5.00")), **changes)
    if beside is not None:
        written = [{"name": "Engraving", "value": "For Anna"}, {"name": "_recommended", "value": beside}]
        whole["line_items"][0]["properties"] = written
    return whole


def beside(database: Database, shop: Shop) -> list[int | None]:
    with database.reading() as db:
        mine = select(OrderLine.beside_id).where(OrderLine.shop_id == shop.id).order_by(OrderLine.line_id)
        return list(db.scalars(mine))


def tell(database: Database, shop: Shop, *orders: dict[str, Any]) -> None:
    with database.transaction() as db:
        for one in orders:
            ingest.apply(db, shop, "orders/updated", one, business_clock="data")


@pytest.mark.parametrize(
    ("value", "kept"), [("7", 7), (7, 7), ("cart", 0), ("home", 0), ("", 0), ("9" * 30, 0), ("٧", 0), (None, 0)]
)
def test_a_line_says_in_whose_list_it_was_chosen(
    database: Database, alice: Shop, bob: Shop, value: Any, kept: int
) -> None:
    told = bought("x")
    told["line_items"][0]["properties"][1]["value"] = value
    tell(database, alice, told)
    tell(database, bob, bought())
    assert beside(database, alice) == [kept, None]
    assert beside(database, bob) == [None, None]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_it_stays_so_whichever_version_says_it_and_comes_first(
    database: Database, alice: Shop, order: tuple[int, int]
) -> None:
    versions = (bought("7"), bought(updated_at=LATER))
    tell(database, alice, *(versions[number] for number in order))
    assert beside(database, alice) == [7, None]


def test_of_what_stands_on_a_line_facts_keep_only_that(database: Database, alice: Shop) -> None:
    told = facts.of("orders/create", bought("7"))
    assert told["line_items"][0]["properties"] == [{"name": "_recommended", "value": "7"}]
    assert "Anna" not in str(told)
    assert payloads.order(told).lines == payloads.order(bought("7")).lines
    again = facts.order(payloads.order(bought("7")), None) | {"created_at": LATER, "updated_at": LATER}
    assert [line.beside_id for line in payloads.order(again).lines] == [7, None]


@pytest.mark.parametrize(
    ("value", "kept"),
    [("3a", "3a"), ("12b", "12b"), ("0a", None), ("3c", None), ("3a'", None), (3, None), (None, None)],
)
def test_a_line_says_in_which_group_of_a_test_it_was_put_into_the_cart(
    database: Database, alice: Shop, bob: Shop, value: Any, kept: str | None
) -> None:
    told = bought("7")
    told["line_items"][0]["properties"].append({"name": "_foretally_test", "value": value})
    tell(database, alice, told, bought(updated_at=LATER))
    tell(database, bob, bought())
    with database.reading() as db:
        arms = select(OrderLine.shop_id, OrderLine.test_arm).order_by(OrderLine.shop_id, OrderLine.line_id)
        found = [(shop_id, arm) for shop_id, arm in db.execute(arms)]
    assert found == [(alice.id, kept), (alice.id, None), (bob.id, None), (bob.id, None)]
    assert beside(database, alice) == [7, None]
    facts_kept = facts.of("orders/create", told)
    assert payloads.order(facts_kept).lines == payloads.order(told).lines
    assert payloads.order(
        facts.order(payloads.order(told), None) | {"updated_at": LATER, "created_at": LATER}
    ).lines == (payloads.order(told).lines)


def test_the_page_counts_what_was_bought_from_lists_in_this_shop(database: Database, alice: Shop, bob: Shop) -> None:
    tell(database, alice, bought("7"), bought("cart", order_id=1002), bought(order_id=1003))
    tell(database, alice, bought("7", order_id=1004, test=True), bought("7", order_id=1005, cancelled_at=LATER))
    tell(database, bob, bought())
    with database.reading() as db:
        told = [lists.bought(db, standing.standing(db, db.get_one(Shop, shop.id), NOW)) for shop in (alice, bob)]
    assert [(one.orders, one.units, one.amount, one.all_orders) for one in told] == [(2, 2, 19.0, 3), (0, 0, 0.0, 1)]
