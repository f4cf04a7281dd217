"""Forecasts told by product type, for each shop its own."""

import csv
import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from shopify_app.db import Database
from shopify_app.lifecycle import forecasts, registry
from shopify_app.records.objects import Objects
from shopify_app.tables import Shop, Version
from tests import factories
from tests.conftest import Deliver
from tests.lifecycle.making import a_version, forecast_files, sell

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
TODAY = date(2026, 3, 10)
Visit = Callable[[Shop, str], str]


@pytest.fixture
def visit(client: FlaskClient) -> Visit:
    """A page as the staff of a shop see it."""

    def get(shop: Shop, path: str) -> str:
        return client.get(path, headers={"Authorization": f"Bearer {factories.id_token(shop.domain)}"}).text

    return get


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
    """Two shops with the same products of other types; Alice's tea sells most, Bob's cups."""
    for shop, kinds in ((alice, ("Tea", "Tea", "Cups")), (bob, ("Cups", "Cups", "Tea & more"))):
        for number, kind in enumerate(kinds, 1):
            named = {"product_type": kind, "title": f"{kind} {number}", "note": shop.domain}
            deliver(shop, "products/create", factories.product(number, **named))
        drain()
        with database.transaction() as db:
            version = in_charge(db, shop, {1: 3, 2: 2, 3: 1}, days=28)
            folder = forecast_files(tmp_path / shop.domain, TODAY - timedelta(days=1), {1: 3.0, 2: 2.0, 3: 1.0})
            by_type(TODAY - timedelta(days=1), {kinds[0]: 5.0, kinds[2]: 1.0}).to_parquet(folder / "types.parquet")
            forecasts.keep(db, version, "0" * 64, forecasts.put(objects, folder), was_champion=True)
    return alice, bob


def in_charge(db: Session, shop: Shop, units: dict[int, int], days: int) -> Version:
    """A forecast version in charge of a shop that sold these units on each of the last days."""
    here = db.get_one(Shop, shop.id)
    for n in range(1, days + 1):
        sell(db, here, TODAY - timedelta(days=n), units)
    here.business_on = TODAY
    version = a_version(db, here, "forecast")
    registry.promote(db, here, "forecast", version.number, actor="test", reason="test")
    return version


def by_type(origin_on: date, means: dict[str, float]) -> pd.DataFrame:
    """The same mean on each of the next 28 days."""
    rows = []
    for kind, mean in means.items():
        for days in (1, 7, 28):
            spread = {"mean": mean * days, "p10": mean * days * 0.5, "p50": mean * days, "p90": mean * days * 1.5}
            first = origin_on + timedelta(days=1)
            rows.append({"type": kind, "products": 2, "origin": origin_on, "first": first, "days": days} | spread)
    return pd.DataFrame(rows)


def test_types_are_told_with_what_they_sold_and_what_is_expected(told: tuple[Shop, Shop], visit: Visit) -> None:
    for shop, best, second in ((told[0], "Tea", "Cups"), (told[1], "Cups", "Tea & more")):
        rows = list(csv.DictReader(io.StringIO(visit(shop, "/forecasts.csv?by=type").removeprefix("\ufeff"))))
        assert [(row["type"], float(row["sold_28_days"]), float(row["next_28_days_expected"])) for row in rows] == [
            (best, 140.0, 140.0),
            (second, 28.0, 28.0),
        ]
        page = visit(shop, "/forecasts?by=type")
        assert "Per product type" in page
        assert "70–210" in page
    assert "Tea &amp; more" in visit(told[1], "/forecasts?by=type")
    assert "Tea &amp; more" not in visit(told[0], "/forecasts?by=type")


def test_a_type_s_products_are_listed_alone(told: tuple[Shop, Shop], visit: Visit) -> None:
    alice, bob = told
    page = visit(alice, "/forecasts?type=Tea")
    assert "Tea 1" in page
    assert "Cups 3" not in page
    assert "Cups 3" in visit(alice, "/forecasts")
    assert "Tea &amp; more 3" in visit(bob, "/forecasts?type=Tea+%26+more")
    assert "Cups 1" not in visit(bob, "/forecasts?type=Tea+%26+more")


@pytest.mark.parametrize(
    ("path", "listed"),
    [
        ("/forecasts", {"Cups 1", "Cups 2", "Tea & more 3"}),
        ("/forecasts?type=Tea+%26+more", {"Tea & more 3"}),
        ("/forecasts?q=CUPS+2", {"Cups 2"}),
        ("/forecasts?q=cups&type=Tea+%26+more", set()),
    ],
)
def test_what_is_exported_is_what_is_listed(told: tuple[Shop, Shop], visit: Visit, path: str, listed: set[str]) -> None:
    page = visit(told[1], path)
    links = re.findall(r'href="([^"]+)" download', page)
    assert len(links) == bool(listed)
    for link in links:
        rows = csv.DictReader(io.StringIO(visit(told[1], unescape(link))))
        assert {row["title"] for row in rows} == listed


def test_a_shop_without_types_and_collections_is_not_offered_the_choice(
    told: tuple[Shop, Shop], visit: Visit, charlie: Shop, database: Database, objects: Objects, tmp_path: Path
) -> None:
    with database.transaction() as db:
        version = in_charge(db, charlie, {1: 3}, days=2)
        folder = forecast_files(tmp_path / "charlie", TODAY - timedelta(days=1), {1: 3.0})
        forecasts.keep(db, version, "0" * 64, forecasts.put(objects, folder), was_champion=True)
    assert "by type" not in visit(charlie, "/forecasts")
    assert "by collection" not in visit(charlie, "/forecasts")
    assert "no types, or only one" in visit(charlie, "/forecasts?by=type")
    assert "read from Shopify every four hours" in visit(charlie, "/forecasts?by=collection")
    assert "by type" in visit(told[0], "/forecasts")
