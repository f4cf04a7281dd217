"""What the theme reads beside the products' lists: the shop's own list, and which test runs."""

import json

import pytest

from devstore.gid import gid
from shopify_app.lifecycle import holdout
from shopify_app.records import jobs
from shopify_app.tables import Shop
from tests.lifecycle.making import lists, put_in_charge
from tests.reading.conftest import Town, TownAsKept, settled
from workers import run

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def town(town_as_kept: TownAsKept) -> Town:
    """Two shops whose catalogue was read."""
    return town_as_kept(settled)


def told(town: Town, handle: str, key: str) -> str | None:
    """What the shop's own metafield holds."""
    shop = town.store.shop(handle)
    found = shop.metafields.get(gid("Shop", shop.shop_id), "$app", key)
    return found.value if found else None


def publish(town: Town, shop: Shop, kind: str) -> None:
    with town.context.database.transaction() as db:
        jobs.ask(db, shop.id, kind, "test")
    run.drain(town.context, (kind,))


def test_each_shop_publishes_what_its_customers_like(town: Town) -> None:
    for handle, order in zip(town.store.handles, (1, -1), strict=True):
        shop = town.shop(handle)
        ids = [one.product_id for one in town.store.shop(handle).products.all()][:3][::order]
        put_in_charge(town.context.database, shop, lists(town.context.database, town.context.settings, shop, {}, ids))
        publish(town, shop, "publish")
        shown = json.loads(told(town, handle, "recommendations") or "[]")
        assert shown[: len(ids)] == [gid("Product", one) for one in ids]


def test_the_theme_knows_of_a_test_for_as_long_as_it_runs(town: Town) -> None:
    first, second = town.store.handles
    shop = town.shop(first)
    for how, number in ((holdout.start, "1"), (holdout.stop, "0"), (holdout.start, "2")):
        with town.context.database.transaction() as db:
            how(db, shop.id)
        run.drain(town.context, ("holdout",))
        assert (told(town, first, "test"), told(town, second, "test")) == (number, None)
