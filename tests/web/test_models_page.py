"""The Models pages say the same things by the same words."""

from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.lifecycle import gates, registry
from shopify_app.records import jobs
from shopify_app.tables import Evaluation, Shop, Task, VersionState
from tests import factories
from tests.lifecycle.making import a_version
from tests.web.conftest import Send

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def furnished(database: Database, alice: Shop) -> Shop:
    """Two versions of each task, the second in charge and held against one evening as each role there is."""
    with database.transaction() as db:
        shop = db.get_one(Shop, alice.id)
        for task in Task:
            for version in (a_version(db, shop, task), a_version(db, shop, task)):
                registry.promote(db, shop, task, version.number, actor="test", reason="test")
            for days, role in enumerate(("champion", "previous", "shadow")):
                db.add(
                    Evaluation(
                        shop_id=shop.id,
                        task=task,
                        version_id=version.id,
                        role=role,
                        level="product_week" if task == Task.FORECAST else "retained",
                        evaluated_on=registry.today(shop) - timedelta(days=days),
                        window_days=7,
                        orders=1,
                        actual_units=2.0,
                        forecast_units=1.0,
                        accuracy=0.5,
                        created_at=clock.now(),
                    )
                )
    return alice


def test_a_version_s_evenings_are_told_by_the_words_of_its_state(furnished: Shop, visit: Send) -> None:
    for task, figure in (("forecast", "Accuracy"), ("recommend", "Quality")):
        page = visit(furnished, f"/models/{task}/2").text
        evenings = page[page.index("In use, evening by evening") :]
        for role in ("In charge", "Ready to step back in", "In the shadow"):
            assert f"<s-table-cell>{role}</s-table-cell>" in evenings
        assert "Champion" not in evenings
        assert f'<s-table-header format="numeric">{figure}</s-table-header>' in evenings


def test_only_forecasts_are_said_to_go_on_forecasting(furnished: Shop, visit: Send) -> None:
    forecasts, lists = visit(furnished, "/models").text.split('heading="Recommendations"')
    assert "was in charge before; keeps forecasting for comparison" in forecasts
    assert "was in charge before" in lists
    assert "forecasting" not in lists


def test_a_version_as_accurate_as_the_champion_on_easier_days_is_told_why_it_is_rejected(
    database: Database, alice: Shop, visit: Send
) -> None:
    with database.transaction() as db:
        shop = db.get_one(Shop, alice.id)
        reached = [
            {
                "product_28d": {"accuracy": 0.70, "naive_accuracy": 0.4, "bias": 0.0},
                "trial_days": {"first_on": first_on, "error": [30.0] * 78, "naive_error": [naive] * 78},
            }
            for first_on, naive in (("2026-01-01", 60.0), ("2026-06-01", 40.0))
        ]
        champion, challenger = (a_version(db, shop, "forecast", metrics=metrics) for metrics in reached)
        registry.promote(db, shop, "forecast", champion.number, actor="test", reason="test")
        told = gates.at_registration(db, champion, challenger)
        challenger.gates, challenger.state = [one.told() for one in told], VersionState.FAILED
    page = unescape(visit(alice, "/models").text)
    assert (
        "tried on other days than the version in charge, its error as a share of the naive guess's is surely more"
        in page
    )


def test_a_version_whose_files_were_let_go_says_so_and_is_not_put_in_charge(
    database: Database, furnished: Shop, visit: Send
) -> None:
    assert "Put version 1 in charge" in visit(furnished, "/models/forecast/1").text
    with database.transaction() as db:
        gone = registry.version(db, furnished, Task.FORECAST, 1)
        gone.let_go_at = datetime(2026, 11, 7, 12, tzinfo=UTC)
    page = visit(furnished, "/models/forecast/1").text
    assert "Its files were let go on 7 Nov 2026" in page
    assert "Put version 1 in charge" not in page


def given_up(database: Database, shop: Shop, kind: str, why: str) -> None:
    """A job of the shop that was tried in vain."""
    with database.transaction() as db:
        jobs.ask(db, shop.id, kind, "new business day")
        work = jobs.claim(db, [kind])
        assert work is not None
        jobs.park(db, work, why)


def done(database: Database, shop: Shop, kind: str) -> None:
    """A job of the shop that was done."""
    with database.transaction() as db:
        jobs.ask(db, shop.id, kind, "new business day")
        work = jobs.claim(db, [kind])
        assert work is not None
        jobs.finish(db, work)


@pytest.mark.parametrize("kind", ["retrain", "night"])
def test_what_failed_at_night_is_told_with_its_reason_until_it_succeeds(
    database: Database, furnished: Shop, bob: Shop, visit: Send, send: Send, kind: str
) -> None:
    send(furnished, "orders/create", factories.order())
    for _ in range(3):
        given_up(database, furnished, kind, "BadFile: orders.parquet is not what it was")
    done(database, furnished, "night" if kind == "retrain" else "retrain")
    for path in ("/", "/models", "/forecasts"):
        page = visit(furnished, path).text
        assert page.count("BadFile: orders.parquet is not what it was") == 1, path
        assert "go on from the versions in charge" in page
    assert "BadFile" not in visit(bob, "/models").text
    done(database, furnished, kind)
    assert "BadFile" not in visit(furnished, "/models").text


def test_a_training_that_waits_for_its_next_try_says_why_the_last_one_failed(
    database: Database, furnished: Shop, visit: Send
) -> None:
    with database.transaction() as db:
        jobs.ask(db, furnished.id, "retrain", "new business day")
        work = jobs.claim(db, ["retrain"])
        assert work is not None
        jobs.fail(db, work, "MemoryError: too little", retry_in=timedelta(minutes=5))
    page = visit(furnished, "/models").text
    assert "The last try failed: MemoryError: too little" in page


def test_lists_that_could_not_be_written_for_the_first_time_say_why(
    database: Database, furnished: Shop, bob: Shop, visit: Send
) -> None:
    assert "as soon as the first version is in charge" not in visit(furnished, "/recommendations").text
    with database.transaction() as db:
        work = jobs.claim(db, ["publish"])
        assert work is not None
        jobs.fail(db, work, "write_products is missing.", retry_in=timedelta(minutes=5))
    assert "write_products is missing. It is tried again by itself." in visit(furnished, "/recommendations").text
    assert "write_products" not in visit(bob, "/recommendations").text


def test_a_routine_promotion_is_told_plainly_at_a_glance_and_in_full_on_the_version_s_page(
    database: Database, alice: Shop, bob: Shop, visit: Send
) -> None:
    why, numbers = "in the shadow for 1 day, 0 answers, no fault", {"shadow": {"days": 1}}
    with database.transaction() as db:
        for one, count in ((alice, 2), (bob, 1)):
            shop = db.get_one(Shop, one.id)
            first, *later = (a_version(db, shop, "forecast") for _ in range(count))
            registry.promote(
                db, shop, "forecast", first.number, actor=registry.MACHINE, reason="the shop's first version"
            )
            for version in later:
                how = {"actor": registry.MACHINE, "reason": why, "numbers": numbers}
                registry.promote(db, shop, "forecast", version.number, **how)
    glance = visit(alice, "/").text.split("What happened")[1]
    assert "It passed every gate before it took over." in glance
    assert why not in glance
    assert why in visit(alice, "/models/forecast/2").text
    assert "The shop&#39;s first version." in visit(bob, "/").text
