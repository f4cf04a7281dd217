"""Figures on the pages, held against a second and slower way to get them, and against the neighbours' data."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from shopify_app import clock
from shopify_app.lifecycle import forecasts
from shopify_app.records.objects import Objects
from shopify_app.tables import Order, OrderLine
from shopify_app.web.pages.reading import accuracy, history, products, standing
from tests.browser import history as told
from tests.browser.conftest import Stage


@pytest.fixture
def objects(stage: Stage) -> Objects:
    return stage.objects


def test_sold_units_of_a_product_are_those_of_its_order_lines(stage: Stage, objects: Objects) -> None:
    with stage.database.reading() as db:
        shop = stage.shop(db, "with-past")
        at = standing.standing(db, shop, clock.now())
        (row,) = products.rows(db, objects, at, [1004])
        lines = db.query(OrderLine).join(Order, OrderLine.order_id == Order.order_id)
        mine = lines.filter(OrderLine.shop_id == shop.id, Order.shop_id == shop.id, OrderLine.product_id == 1004)
        since = at.closed_on - timedelta(days=27)
        assert row.sold == sum(line.units for line in mine if line.created_on >= since)
        assert row.sold == told.sales().units[3, told.DAYS - 28 :].sum()


def test_a_products_accuracy_is_that_of_its_past_weeks(stage: Stage, objects: Objects) -> None:
    with stage.database.reading() as db:
        at = standing.standing(db, stage.shop(db, "with-past"), clock.now())
        (row,) = products.rows(db, objects, at, [1004])
        weeks = products.past_weeks(db, objects, at, 1004)[:4]
        missed = sum(abs(week.said.mean - week.sold) for week in weeks)
        assert row.accuracy == pytest.approx(1 - missed / sum(week.sold for week in weeks), abs=0.01)


def test_one_product_alone_reads_like_its_row_in_the_list(stage: Stage, objects: Objects) -> None:
    with stage.database.reading() as db:
        at = standing.standing(db, stage.shop(db, "with-past"), clock.now())
        for row in products.rows(db, objects, at, products.found(db, objects, at))[::7]:
            assert products.row(db, objects, at, row.product_id) == row


def test_the_shops_accuracy_adds_up_weeks_before_dividing(stage: Stage) -> None:
    with stage.database.reading() as db:
        at = standing.standing(db, stage.shop(db, "with-past"), clock.now())
        found = accuracy.fared(db, at, "product_week")
        nights = {night.on: night for night in accuracy.nights(db, at)}
        assert found is not None
        weeks = [nights[at.closed_on - timedelta(days=7 * n)].accuracy or 0 for n in range(4)]
        sold = [told.sales().units[:, told.DAYS - 7 * (n + 1) : told.DAYS - 7 * n].sum() for n in range(4)]
        missed = sum((1 - share) * units for share, units in zip(weeks, sold, strict=True))
        assert found.accuracy == pytest.approx(1 - missed / sum(sold))
        assert (found.days, found.orders) == (28, 412)


def test_the_chart_shows_what_was_forecast_the_evening_before(stage: Stage) -> None:
    with stage.database.reading() as db:
        shop = stage.shop(db, "with-past")
        at = standing.standing(db, shop, clock.now())
        days = {day.on: day for day in history.shop_days(db, at)}
        run = forecasts.served(db, shop.id, at.closed_on)
        assert run is not None
        assert run.origin_on == at.closed_on - timedelta(days=1)
        first = forecasts.totals(db, shop.id, run.id)[0]
        assert days[at.closed_on].said == first.mean
        assert days[at.closed_on].expected is None
        assert days[at.today_on].expected is not None
        assert len([day for day in days.values() if day.expected is not None]) == 28


def test_a_stock_of_forecasts_that_says_little_is_called_so() -> None:
    assert products.Outlook(10, 2, 20).is_unsure
    assert not products.Outlook(10, 5, 15).is_unsure
    assert products.accuracy([(5, 4), (0, 2)]) == pytest.approx(1 - 3 / 6)
    assert products.accuracy([(5, 0)]) is None


def test_a_shop_sees_nothing_of_another_with_the_same_ids(in_production: FlaskClient, stage: Stage) -> None:
    token = {"Authorization": f"Bearer {stage.store.shop('empty').mint_id_token()}"}
    assert in_production.get("/forecasts/1003", headers=token).status_code == 404
    assert in_production.get("/models/forecast/2", headers=token).status_code == 404
    assert in_production.post("/models/forecast/2/promote", headers=token).status_code == 404
    own = ("/", "/forecasts", "/reorder", "/recommendations", "/models", "/alerts", "/settings", "/settings/vendors")
    for path in (*own, "/forecasts.csv", "/reorder.csv"):
        answer = in_production.get(path, headers=token).data
        assert b"Oak serving board" not in answer
        assert b"Kiln &amp; Co" not in answer


def test_nobody_without_a_token_sees_or_does_anything(in_production: FlaskClient) -> None:
    for path in (
        "/",
        "/forecasts",
        "/forecasts.csv",
        "/forecasts/1003",
        "/models",
        "/reorder",
        "/reorder.csv",
        "/settings",
    ):
        reply = in_production.get(path)
        assert reply.status_code == 302
        assert reply.location.startswith("/auth/patch-id-token?")
    for path in (
        "/settings",
        "/models/forecast/2/promote",
        "/models/forecast/roll-back",
        "/recommendations/publishing",
        "/reorder/purchases",
        "/settings/vendor",
    ):
        assert in_production.post(path).status_code == 401
