"""Two shops with the same many products, and what of their lists is with Shopify and in our rows."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from shopify_app.records import ingest, jobs
from shopify_app.tables import PublishedList
from tests import factories
from tests.devstore.few_sales import FewSales
from tests.lifecycle.making import lists, put_in_charge
from tests.reading.conftest import Town

Lists = dict[int, list[int]]


def selling(products: Sequence[int]) -> dict[str, Any]:
    """Two shops that sell these products."""
    return {handle: FewSales(prices=dict.fromkeys(products, "10.00")) for handle in ("alice", "bob")}


def open_with_lists(town: Town, near: Mapping[str, Lists], done: Sequence[str]) -> None:
    """The app knows the products of both shops and has these lists for each; jobs of the kinds `done` are done."""
    database = town.context.database
    for handle, mine in near.items():
        shop = town.open_app(handle)
        with database.transaction() as db:
            for number in town.sales[handle].prices:
                ingest.apply(db, shop, "products/create", factories.product(number), business_clock="data")
        put_in_charge(database, shop, lists(database, town.context.settings, shop, mine, popular=[5]))
        with database.transaction() as db:
            jobs.drop(db, shop.id, done, "test")


def there(town: Town, handle: str) -> Lists:
    """What the shop's products show."""
    book, numbers = town.store.shop(handle).metafields, town.sales[handle].prices
    found = {number: book.get(f"gid://shopify/Product/{number}", None, "recommendations") for number in numbers}
    return {n: [int(gid.rpartition("/")[2]) for gid in json.loads(one.value)] for n, one in found.items() if one}


def noted(town: Town, handle: str) -> Lists:
    """What our rows say the shop's products show."""
    with town.context.database.reading() as db:
        mine = select(PublishedList).where(PublishedList.shop_id == town.shop(handle).id)
        return {row.product_id: row.neighbours for row in db.scalars(mine)}
