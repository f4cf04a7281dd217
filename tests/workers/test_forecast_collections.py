"""From a catalogue that tells of collections to what a version in charge expects of each."""

from collections.abc import Callable
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from shopify_app.lifecycle import forecasts
from shopify_app.records import ingest, payloads
from shopify_app.tables import Shop
from tests import factories
from tests.workers.test_refresh import LAST
from tests.workers.test_thrift import sell_and_train
from workers.context import Context

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
COLLECTIONS = {"alice": {71: {1, 2, 3}, 72: {2, 3}, 73: {99}}, "bob": {71: {7}}}


def test_a_trained_version_tells_each_shop_s_own_collections_as_sums_of_their_products(
    context: Context, installed: Callable[[str], Shop]
) -> None:
    for handle, collections in COLLECTIONS.items():
        shop = installed(handle)
        with context.database.transaction() as db:
            read = [payloads.product(factories.product(number)) for number in (*range(1, 9), 99)]
            told = [{(n, f"Set {n}") for n, mine in collections.items() if one.product_id in mine} for one in read]
            known = [replace(one, collections=tuple(sorted(mine))) for one, mine in zip(read, told, strict=True)]
            ingest.apply_products(db, db.get_one(Shop, shop.id), known)
        sell_and_train(context, (shop, 1))
        with context.database.reading() as db:
            run = forecasts.served(db, shop.id, LAST)
            assert run is not None
            days = pq.read_table(context.objects.path(run.days_sha256)).to_pylist()
            rows = pq.read_table(context.objects.path(run.collections_sha256 or "")).to_pylist()
        assert {row["collection"] for row in rows} == set(collections) - {73}  # nobody ever bought the only one of it
        for row in rows:
            of_day = [one for one in days if one["series"] in {str(n) for n in collections[row["collection"]]}]
            summed = sum(one["mean"] for one in of_day if 0 <= (one["ds"] - row["first"]).days < row["days"])
            assert row["mean"] == pytest.approx(summed, rel=1e-3)
