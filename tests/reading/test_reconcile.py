"""What webhooks bring and what reconciling brings is the same: Shopify's truth, shop by shop."""

import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from shopify_app import clock
from shopify_app.records import canary, feeds, inbox, jobs
from shopify_app.tables import (
    Backfill,
    Event,
    EventState,
    Feed,
    Order,
    Product,
    ProductDay,
    Shop,
    ShopState,
    StockDay,
    Token,
    Turn,
)
from shopify_app.web.pages.reading.standing import standing
from tests.devstore.few_sales import FewSales
from tests.devstore.lively_sales import GONE, PRICED, TEST, LivelySales
from tests.reading.conftest import OpenTown, Town, TownAsKept, few, settled
from workers import giving_way, housekeeping, run

PRICES = {1: "1.00", 2: "2.00", 3: "3.00"}


@pytest.fixture
def town(town_as_kept: TownAsKept) -> Town:
    """Two lively shops, installed, their histories read."""
    return town_as_kept(settled, alice=LivelySales(lines=2), bob=LivelySales(lines=3, prices=PRICES))


def ask(town: Town, handle: str, kind: str = "reconcile") -> None:
    with town.context.database.transaction() as db:
        jobs.ask(db, town.shop(handle).id, kind, "asked for")
    town.work()


def sell(town: Town, days: int = 7) -> None:
    for handle in town.sales:
        town.control(handle, "clock", {"step_days": days})


def look_at_quarantine(town: Town) -> None:
    """Two shops with the same ids send some equal bodies, which never happens in life: a person lets them pass."""
    town.work()
    with town.context.database.transaction() as db:
        for handle in town.sales:
            for event in inbox.parked(db, f"{handle}.myshopify.com"):
                assert event.error == inbox.QUARANTINED
                inbox.replay(db, event.shop, event.seq)
    town.work()


def agrees(town: Town, forgotten: int | None = None) -> None:
    """Rows of both shops are what was sold there, but for a product that was deleted before its orders were read."""
    for handle in town.sales:
        ours, truth = (
            [(*line[:2], None if line[2] == forgotten else line[2], line[3]) for line in lines]
            for lines in (town.lines(handle), town.truth(handle))
        )
        assert ours == truth, handle
    with town.context.database.reading() as db:
        cancelled = select(Order.shop_id).where(Order.cancelled_at.is_not(None))
        assert len(db.scalars(cancelled).all()) == 2
        assert len(db.scalars(select(Order).where(Order.is_test)).all()) == 2


def test_edits_deletions_cancellations_and_refunds_arrive_by_webhook(town: Town) -> None:
    sell(town)
    look_at_quarantine(town)
    agrees(town)
    ask(town, "alice")
    assert town.jobs("reconcile")[-1].result["orders_restored"] == 0


def test_products_and_stock_follow_by_webhook(town: Town) -> None:
    sell(town)
    town.work()
    alice = town.shop("alice")
    with town.context.database.reading() as db:
        gone = db.scalars(select(Product).where(Product.shop_id == alice.id, Product.product_id == 3)).one()
        price = select(ProductDay.price_amount).where(ProductDay.product_id == 1, ProductDay.valid_on == PRICED)
        assert db.scalars(price.where(ProductDay.shop_id == alice.id)).all() == [8.25]
        empty = select(StockDay.available).where(StockDay.inventory_item_id == 22, StockDay.counted_on == TEST)
        assert db.scalars(empty.where(StockDay.shop_id == alice.id)).all() == [0]
    assert gone.deleted_at is not None


def test_after_an_outage_every_order_is_as_it_was_sold_and_nothing_is_doubled(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.hang_up()
    sell(town)
    town.listen()
    town.work()
    assert town.lines("alice") != town.truth("alice")
    with town.context.database.transaction() as db:
        db.execute(update(Turn).where(Turn.queue == "canary").values(served_at=clock.now() - timedelta(hours=5)))
        if canary.age(db, clock.now()) is None:
            db.add(Turn(queue="canary", whose="worker", served_at=clock.now() - timedelta(hours=5)))
    monkeypatch.setattr(housekeeping, "_last_try", time.monotonic())
    housekeeping._notice_absence(town.context)
    assert [job.causes for job in town.jobs("reconcile")] == [["the app was away for 300 minutes"]] * 2
    town.work()
    agrees(town, forgotten=3)
    for job in town.jobs("reconcile"):
        assert (job.result or {})["orders_deleted"] == 0
    with town.context.database.reading() as db:
        counted = db.scalars(select(Shop.orders_counted)).all()
    assert counted == [11, 11]  # 14 sold; one was deleted, one cancelled, one a test


def test_an_order_deleted_while_nobody_listened_is_deleted_here(town: Town) -> None:
    sell(town, 1)
    town.control("alice", "clock", {"step_days": 1})
    town.control("bob", "faults", {"drop": 1.0})
    town.control("bob", "clock", {"step_days": 1})
    town.work()
    with town.context.database.transaction() as db:
        bob = town.shop("bob")
        ours = db.scalars(select(Order).where(Order.shop_id == bob.id).order_by(Order.order_id.desc()).limit(1)).one()
        db.add(Order(**stray(ours, order_id=999_999)))
    before = town.lines("alice")
    ask(town, "bob")
    assert (town.jobs("reconcile")[-1].result or {})["orders_deleted"] == 1
    assert town.lines("bob") == town.truth("bob")
    assert town.lines("alice") == before == town.truth("alice")


def stray(ours: Order, **changes: object) -> dict[str, object]:
    return {column.key: getattr(ours, column.key) for column in Order.__table__.columns} | changes


def test_a_long_outage_is_made_good_by_one_bulk_query(open_town: OpenTown) -> None:
    town = settled(open_town(alice=FewSales(per_day=40), bob=few()["bob"]))
    town.control("alice", "faults", {"drop": 1.0})
    town.control("alice", "clock", {"step_days": 8})
    ask(town, "alice")
    assert town.lines("alice") == town.truth("alice")
    assert (town.jobs("reconcile")[-1].result or {})["orders_restored"] == 320
    assert any("updated_at:>=" in one.query for one in town.store.shop("alice").bulk.all())


def test_products_deleted_and_stock_moved_while_nobody_listened_are_known_after_the_feed(town: Town) -> None:
    for handle in town.sales:
        town.control(handle, "faults", {"drop": 1.0})
    sell(town)
    ask(town, "alice", "catalogue")
    assert (town.jobs("catalogue")[-1].result or {}) == {"products": 2, "stock_levels": 2, "products_deleted": 1}
    with town.context.database.reading() as db:

        def state(handle: str) -> list[tuple[int, float | None, bool, int | None]]:
            mine = select(Product).where(Product.shop_id == town.shop(handle).id).order_by(Product.product_id)
            return [(p.product_id, p.price_amount, p.deleted_at is None, p.units_in_stock) for p in db.scalars(mine)]

        level = LivelySales().available(1, GONE)
        assert state("alice")[:2] == [(1, 8.25, True, level), (2, 20.0, True, level + 1)]
        assert [is_there for _, _, is_there, _ in state("alice")] == [True, True, False]
        assert [is_there for _, _, is_there, _ in state("bob")] == [True, True, True]


def test_subscriptions_that_shopify_deleted_are_made_again_and_every_order_is_restored(open_town: OpenTown) -> None:
    sales = {"alice": LivelySales(), "bob": LivelySales(lines=3, prices=PRICES)}
    town = settled(open_town(webhooks="shop", **sales))
    mine = town.store.shop("alice").subscriptions
    before = {one.topic for one in mine.made_by_api()}
    assert {"orders/create", "orders/updated", "orders/delete", "inventory_levels/update"} <= before
    town.hang_up()
    sell(town, 3)
    assert {one.topic for one in mine.made_by_api()} < before
    town.listen()
    sell(town, 2)
    town.work()
    assert town.lines("alice") != town.truth("alice")
    for handle in town.sales:
        ask(town, handle)
    for handle in town.sales:
        assert town.lines(handle) == town.truth(handle)
    assert "orders/create" in (town.jobs("reconcile")[0].result or {})["webhooks"]["restored"]
    assert {one.topic for one in mine.made_by_api()} == before
    sell(town, 2)
    look_at_quarantine(town)
    agrees(town)


def test_subscriptions_that_would_bring_everything_twice_are_named(town: Town) -> None:
    shop = town.store.shop("alice")
    shop.subscriptions.create("orders/create", f"{town.context.settings.app_url}/webhooks", (), None, "2026-10")
    shop.subscriptions.create("orders/create", "https://elsewhere.example.com/webhooks", (), None, "2026-10")
    ask(town, "alice")
    ask(town, "bob")
    told = [(job.result or {})["webhooks"] for job in town.jobs("reconcile")]
    assert [(one["made_for"], one["double"]) for one in told] == [("app", ["ORDERS_CREATE"]), ("app", [])]


def test_a_shop_that_sells_nothing_tells_by_its_bulk_queries_that_no_webhook_comes(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody can list the subscriptions of the app's own toml."""

    def arrive() -> list[Any]:
        for handle in town.sales:
            ask(town, handle)
        return [(job.result or {})["webhooks"]["arrive"] for job in town.jobs("reconcile")[-2:]]

    assert arrive() == [None, None]
    with town.context.database.transaction() as db:
        finish = Event.topic == "bulk_operations/finish"
        db.execute(delete(Event).where(finish, Event.shop == "bob.myshopify.com"))
        some_time_ago = clock.now() - timedelta(minutes=30)
        db.execute(update(Feed).where(Feed.kind == feeds.CATALOGUE).values(checked_at=some_time_ago))
    capsys.readouterr()
    assert arrive() == [True, False]
    assert capsys.readouterr().err.count("no webhooks come") == 1


def heard(town: Town, handle: str, hours_ago: list[float]) -> None:
    with town.context.database.transaction() as db:
        for number, ago in enumerate(hours_ago):
            at = clock.now() - timedelta(hours=ago)
            row = {"shop": f"{handle}.myshopify.com", "topic": "orders/create", "delivery_key": f"w:{number}"}
            known = {"received_at": at, "signature": b"", "secret_used": "current", "state": "done"}
            db.add(Event(**row, **known))
        db.flush()
        last = clock.now() - timedelta(hours=3)
        mine = Feed.shop_id == town.shop(handle).id
        db.execute(update(Feed).where(mine, Feed.kind == feeds.ORDERS).values(checked_at=last))


@pytest.mark.parametrize(("silent", "is_noticed"), [(2.5, True), (1.5, False)])
def test_a_silence_longer_than_any_before_is_looked_into(town: Town, silent: float, is_noticed: bool) -> None:
    heard(town, "alice", [silent + 30 - number for number in range(31)])
    heard(town, "bob", [100.0])
    housekeeping._notice_silence(town.context)
    found = [job.causes for job in town.jobs("reconcile")]
    assert found == ([["no webhook for 2.5 hours"]] if is_noticed else [])


def test_feeds_are_due_after_their_time_and_only_for_installed_shops(town: Town) -> None:
    long_ago = clock.now() - timedelta(hours=4, minutes=1)
    with town.context.database.transaction() as db:
        db.execute(update(Feed).values(checked_at=long_ago))
        db.execute(update(Shop).where(Shop.domain.startswith("bob")).values(state=ShopState.UNINSTALLED))
    housekeeping._ask_feeds(town.context)
    housekeeping._ask_feeds(town.context)
    assert [(job.kind, job.shop_id) for job in town.jobs("catalogue")] == [("catalogue", town.shop("alice").id)]
    assert town.jobs("reconcile") == []
    with town.context.database.transaction() as db:
        db.execute(update(Feed).values(checked_at=clock.now() - timedelta(days=1)))
    housekeeping._ask_feeds(town.context)
    assert len(town.jobs("reconcile")) == 1


def test_an_uninstalled_shop_comes_back_with_everything_that_was_sold_meanwhile(town: Town) -> None:
    town.control("alice", "uninstall", {})
    town.work()
    assert town.shop("alice").state == ShopState.UNINSTALLED
    with town.context.database.reading() as db:
        assert db.scalars(select(Token.shop_id)).all() == [town.shop("bob").id]
    sell(town)
    town.work()
    assert town.orders("alice") == 240
    town.open_app("alice")
    town.work()
    agrees(town, forgotten=3)
    assert town.shop("alice").state == ShopState.INSTALLED
    assert town.shop("alice").uninstalled_at is None


def test_a_shop_that_sells_nothing_is_not_stale_when_its_orders_were_compared_today(town: Town) -> None:
    with town.context.database.transaction() as db:
        long_ago = clock.now() - timedelta(days=2)
        db.execute(update(Event).values(received_at=long_ago))
        db.execute(update(Backfill).values(finished_at=long_ago))
        db.execute(update(Feed).where(Feed.shop_id == town.shop("bob").id).values(checked_at=long_ago))
    with town.context.database.reading() as db:
        found = [standing(db, town.shop(handle), clock.now()) for handle in ("alice", "bob")]
    assert [one.is_stale for one in found] == [False, True]


def test_deliveries_become_rows_while_a_catalogue_and_missed_orders_are_read(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving_way, "EVERY", 0.0)
    for kind in ("catalogue", "reconcile"):
        sell(town, 2)
        with town.context.database.transaction() as db:
            jobs.ask(db, town.shop("alice").id, kind, "asked for")
            waiting = Event.state == EventState.PENDING
            assert db.scalars(select(Event.seq).where(waiting)).first() is not None
        assert run.drain(town.context, [kind]) == 1
        with town.context.database.reading() as db:
            assert db.scalars(select(Event.seq).where(waiting)).all() == []
    look_at_quarantine(town)
    assert town.lines("alice") == town.truth("alice")
