"""`backfill` and `reconcile` at the command line: asked for, followed, and told what came of it."""

import json
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, select

from shopify_app import clock
from shopify_app.cli import main
from shopify_app.tables import Backfill, Order, OrderLine, Turn
from tests.reading.conftest import Town, TownAsKept, working


@pytest.fixture
def town(town_as_kept: TownAsKept) -> Town:
    """Alice's history is read; Bob has not opened the app."""

    def read(town: Town) -> None:
        town.open_app("alice")
        town.work()

    return town_as_kept(read)


@pytest.fixture(autouse=True)
def environment(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands read their settings from here, as they do at a terminal."""
    settings = town.context.settings
    known = {
        "ENVIRONMENT": "development",
        "SHOPIFY_API_KEY": settings.api_key,
        "SHOPIFY_API_SECRET": settings.api_secret,
        "APP_URL": settings.app_url,
        "DATABASE_URL": settings.database_url,
        "FORETALLY_VAR": str(settings.var),
    }
    for name, value in known.items():
        monkeypatch.setenv(name, value)


def lose_orders(town: Town, handle: str, since: date) -> None:
    with town.context.database.transaction() as db:
        shop_id = town.shop(handle).id
        for table in (OrderLine, Order):
            db.execute(delete(table).where(table.shop_id == shop_id, table.created_on >= since))


def test_a_reconcile_puts_right_what_was_lost_and_says_so(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    town.open_app("bob")
    town.work()
    lose_orders(town, "alice", date(2026, 4, 20))
    lose_orders(town, "bob", date(2026, 4, 20))
    with working(town, town.work):
        assert main(["reconcile", "--shop", "alice.myshopify.com", "--since", "2026-04-20", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["orders_restored"], told["orders_deleted"]) == ("done", 22, 0)
    assert town.lines("alice") == town.truth("alice")
    assert town.lines("bob") != town.truth("bob")


def test_a_backfill_can_begin_at_a_day(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    lose_orders(town, "alice", date(2026, 1, 1))
    with working(town, town.work):
        assert main(["backfill", "--shop", "alice.myshopify.com", "--since", "2026-04-01"]) == 0
    assert "orders: 60" in capsys.readouterr().out
    with town.context.database.reading() as db:
        read = db.scalars(select(Backfill).order_by(Backfill.id.desc()).limit(1)).one()
        assert (read.orders_expected, read.orders_read, read.reached_on) == (60, 60, date(2026, 4, 30))
        assert min(db.scalars(select(Order.created_on))) == date(2026, 4, 1)


def test_what_nobody_works_on_waits_and_is_said_to(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reconcile", "--shop", "alice.myshopify.com", "--no-wait"]) == 0
    assert "state: asked for" in capsys.readouterr().out
    assert len(town.jobs("reconcile")) == 1
    with town.context.database.transaction() as db:
        db.add(Turn(queue="canary", whose="worker", served_at=clock.now() - timedelta(hours=1)))
    assert main(["reconcile", "--shop", "alice.myshopify.com"]) == 1
    assert "no worker runs: job" in capsys.readouterr().err
    assert len(town.jobs("reconcile")) == 1


def test_a_shop_without_the_app_is_named(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backfill", "--shop", "charlie.myshopify.com"]) == 1
    assert "foretally: no shop charlie.myshopify.com has the app installed\n" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["backfill", "--shop", "alice.myshopify.com", "--since", "yesterday"])
