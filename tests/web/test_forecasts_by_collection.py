"""Forecasts told by collection, for each shop its own: collections overlap, and webhooks do not tell of them."""

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy.orm import Session

from shopify_app.db import Database
from shopify_app.lifecycle import forecasts
from shopify_app.records import ingest, payloads, shops
from shopify_app.records.objects import Objects
from shopify_app.tables import Shop, Version
from tests import factories
from tests.conftest import Deliver
from tests.lifecycle.making import forecast_files
from tests.web.test_forecasts_by_type import TODAY, Visit, in_charge, visit

__all__ = ["visit"]  # a fixture: a page as the staff of a shop see it
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
SUMMER, GIFTS, WINTER = (71, "Summer"), (72, "Gifts"), (71, "Tea & winter")
Collections = Mapping[int, tuple[tuple[int, str], ...]]


@pytest.fixture
def told(
    database: Database,
    objects: Objects,
    deliver: Deliver,
    drain: Callable[[], int],
    tmp_path: Path,
    alice: Shop,
    bob: Shop,
) -> tuple[Shop, Shop]:
    """Two shops whose collections have the same numbers; a webhook of each product came after the catalogue."""
    for shop, collections in ((alice, {1: (SUMMER, GIFTS), 2: (GIFTS,), 3: ()}), (bob, {1: (), 2: (), 3: (WINTER,)})):
        with database.transaction() as db:
            read = [payloads.product(factories.product(number)) for number in collections]
            known = [replace(one, collections=collections[one.product_id]) for one in read]
            ingest.apply_products(db, shops.get(db, shop.id), known)
        for number in collections:
            news = {"title": f"Thing {number} of {shop.domain}", "updated_at": "2026-03-09T00:00:00Z"}
            deliver(shop, "products/update", factories.product(number, **news))
        drain()
        with database.transaction() as db:
            version = in_charge(db, shop, {1: 3, 2: 2, 3: 1}, days=28)
            keep_runs(objects, db, version, tmp_path / shop.domain, collections)
    return alice, bob


def keep_runs(objects: Objects, db: Session, version: Version, folder: Path, collections: Collections) -> None:
    """Yesterday's run, and those of the four weeks before: each product is forecast as it sells."""
    daily = {1: 3.0, 2: 2.0, 3: 1.0}
    for days_ago in (29, 22, 15, 8, 1):
        on = TODAY - timedelta(days=days_ago)
        written = forecast_files(folder.with_name(f"{folder.name}-{days_ago}"), on, daily)
        rows = []
        for number, title in sorted({pair for mine in collections.values() for pair in mine}, key=lambda one: -one[0]):
            mean = sum(daily[product] for product, mine in collections.items() if (number, title) in mine)
            key = {"collection": number, "title": title, "products": 1, "origin": on, "first": on + timedelta(days=1)}
            spans = ((days, mean * days) for days in (1, 7, 28))
            rows += [key | {"days": n, "mean": m, "p10": m / 2, "p50": m * 0.9, "p90": m * 1.5} for n, m in spans]
        pd.DataFrame(rows).to_parquet(written / "collections.parquet")
        forecasts.keep(db, version, "0" * 64, forecasts.put(objects, written), was_champion=True)


def test_collections_are_told_with_what_they_sold_and_what_is_expected(told: tuple[Shop, Shop], visit: Visit) -> None:
    expected = {
        told[0]: [("72", "Gifts", 140.0, 140.0, 0.9), ("71", "Summer", 84.0, 84.0, 0.9)],
        told[1]: [("71", "Tea & winter", 28.0, 28.0, 0.9)],
    }
    for shop, lines in expected.items():
        rows = csv.DictReader(io.StringIO(visit(shop, "/forecasts.csv?by=collection").removeprefix("\ufeff")))
        figures = ("sold_28_days", "next_28_days_expected", "past_accuracy")
        found = [(row["collection_id"], row["collection"], *(float(row[name]) for name in figures)) for row in rows]
        assert found == lines
    page = visit(told[0], "/forecasts?by=collection")
    assert "Per collection" in page
    assert "70–210" in page
    assert "do not add up to the whole shop" in page
    assert "Tea &amp; winter" in visit(told[1], "/forecasts?by=collection")
    assert "winter" not in page


def test_a_collection_s_products_are_listed_alone_and_exported_as_listed(told: tuple[Shop, Shop], visit: Visit) -> None:
    listed = {
        (told[0], "/forecasts?collection=71"): ("Summer", {1}),
        (told[0], "/forecasts?collection=72"): ("Gifts", {1, 2}),
        (told[0], "/forecasts?collection=72&q=thing+2"): ("Gifts", {2}),
        (told[1], "/forecasts?collection=71"): ("Tea &amp; winter", {3}),
        (told[1], "/forecasts?collection=72"): ("72", set()),
        (told[1], "/forecasts?collection=²"): ("Per product", {1, 2, 3}),
    }
    for (shop, path), (heading, products) in listed.items():
        page = visit(shop, path)
        assert f"<h2>{heading}</h2>" in page
        links = re.findall(r'href="([^"]+)" download', page)
        assert len(links) == bool(products)
        for link in links:
            rows = csv.DictReader(io.StringIO(visit(shop, unescape(link)).removeprefix("\ufeff")))
            assert {int(row["product_id"]) for row in rows} == products, path


def test_the_choice_is_offered_of_what_there_is(told: tuple[Shop, Shop], visit: Visit) -> None:
    page = visit(told[0], "/forecasts")
    assert "by collection" in page
    assert "by type" not in page
