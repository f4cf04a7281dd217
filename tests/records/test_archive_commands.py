"""`python -m shopify_app events …`, `redact`, `exports`, `receipts` and `rotate-keys`, as a person uses them."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from shopify_app import migrate
from shopify_app.db import Database
from shopify_app.records import archive, exports
from shopify_app.records.objects import Objects
from shopify_app.records.seal import Seal
from shopify_app.tables import Customer, Event, EventState, Export, Order, Shop
from tests.conftest import Deliver, Say
from tests.factories import order, product
from tests.records.people import Buyer

Drain = Callable[[], int]
BUYER = Buyer()


@pytest.fixture
def sold(database: Database, alice: Shop, deliver: Deliver, drain: Drain) -> Shop:
    deliver(alice, "products/create", product(1))
    deliver(alice, "orders/create", BUYER.buys(1))
    deliver(alice, "orders/create", b"broken")
    deliver(alice, "orders/create", order(2))
    for _ in range(3):
        drain()
    return alice


def seqs(database: Database, state: EventState) -> list[int]:
    with database.reading() as db:
        return list(db.scalars(select(Event.seq).where(Event.state == state).order_by(Event.seq)))


def test_events_are_listed_with_their_states_and_segments(
    database: Database, objects: Objects, seal: Seal, sold: Shop, say: Say
) -> None:
    archive.seal_shop(database, objects, seal, sold.domain)
    code, told = say("events", "list", "--shop", sold.domain)
    assert code == 0
    assert [event["state"] for event in told["events"]] == ["done", "done", "parked", "done"]
    assert [(one["events"], one["sha256"]) for one in told["segments"]] == [(3, next(iter(objects.list())))]
    code, told = say("events", "list", "--shop", sold.domain, "--state", "parked", as_json=False)
    assert "no JSON" in told
    assert BUYER.email not in told


def test_events_are_parked_and_replayed_by_hand(
    database: Database, sold: Shop, bob: Shop, deliver: Deliver, drain: Drain, say: Say
) -> None:
    deliver(sold, "orders/create", order(3))
    deliver(bob, "orders/create", order(3, customer=8))
    (waiting, others) = seqs(database, EventState.PENDING)
    code, told = say("events", "park", "--shop", sold.domain, "--from", str(waiting))
    assert (code, told) == (0, {"parked": 1})
    assert seqs(database, EventState.PENDING) == [others]
    code, told = say("events", "replay", "--shop", sold.domain, "--from", str(waiting))
    assert (code, told) == (0, {"pending_again": 1, "erased": 0})
    drain()
    with database.reading() as db:
        assert 3 in db.scalars(select(Order.order_id).where(Order.shop_id == sold.id)).all()


def test_a_replay_into_an_empty_database_proves_the_snapshot(
    database: Database, sold: Shop, say: Say, tmp_path: Path
) -> None:
    words = ("events", "replay", "--shop", sold.domain, "--into", f"sqlite:///{tmp_path}/again.db")
    code, told = say(*words, "--cutoff", "2026-03-31")
    assert (code, told["ok"], told["events"], told["not_yet_rows"]) == (0, True, 3, 1)
    assert told["snapshot_here"] == told["snapshot_there"]
    code, told = say(*words)
    assert code == 1
    assert "empty" in told
    code, told = say("events", "replay", "--shop", sold.domain, "--into", database.url.replace("+psycopg", ""))
    assert (code, "own database" in told) == (1, True)
    code, told = say("events", "replay", "--shop", sold.domain, "--into", "mysql://x")
    assert (code, "neither SQLite nor PostgreSQL" in told) == (2, True)


def test_a_customer_is_redacted_only_when_a_person_means_it(
    database: Database, sold: Shop, say: Say, bob: Shop
) -> None:
    words = ("redact", "--shop", sold.domain, "--customer", str(BUYER.customer_id), "--order", "1")
    code, told = say(*words)
    assert (code, "--yes" in told) == (1, True)
    with database.reading() as db:
        assert len(db.scalars(select(Customer)).all()) == 2
    code, told = say(*words, "--yes")
    assert (code, told["done"], told["customers"], told["keys"]) == (0, "customers/redact", 1, 1)
    with database.reading() as db:
        assert len(db.scalars(select(Customer)).all()) == 1
    code, told = say("receipts", "--shop", sold.domain)
    assert [one["topic"] for one in told["receipts"]] == ["customers/redact"]
    assert str(BUYER.customer_id) not in json.dumps(told)


def test_a_shop_is_redacted_after_it_has_gone(
    database: Database, sold: Shop, deliver: Deliver, drain: Drain, say: Say
) -> None:
    words = ("redact", "--shop", sold.domain, "--everything", "--yes")
    code, told = say(*words)
    assert (code, "uninstall" in told) == (1, True)
    deliver(sold, "app/uninstalled", {"id": 1})
    drain()
    code, told = say(*words)
    assert (code, told["done"]) == (0, "shop/redact")
    with database.reading() as db:
        assert db.scalars(select(Shop)).all() == []
        assert db.scalars(select(Order)).all() == []


def test_a_file_for_a_customer_is_saved_for_the_operator_alone(
    database: Database,
    objects: Objects,
    seal: Seal,
    sold: Shop,
    deliver: Deliver,
    drain: Drain,
    say: Say,
    tmp_path: Path,
) -> None:
    deliver(sold, "customers/data_request", BUYER.asks(sold.domain, "orders_requested", 1))
    drain()
    exports.make_all(database, objects, seal)
    with database.reading() as db:
        (number,) = db.scalars(select(Export.id)).all()
    code, told = say("exports", "list", "--shop", sold.domain)
    assert (code, [one["id"] for one in told["exports"]], told["exports"][0]["fetched_at"]) == (0, [number], None)
    file = tmp_path / "export.json"
    code, told = say("exports", "save", "--shop", sold.domain, str(number), str(file))
    assert (code, told["bytes"]) == (0, file.stat().st_size)
    assert file.stat().st_mode & 0o777 == 0o600
    assert BUYER.email in file.read_text()
    code, told = say("exports", "list", "--shop", sold.domain)
    assert told["exports"][0]["fetched_at"] is not None
    code, told = say("exports", "save", "--shop", sold.domain, str(number + 1), str(tmp_path / "other.json"))
    assert (code, "no export" in told) == (1, True)


def test_keys_are_rotated_by_one_command(
    database: Database, sold: Shop, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = ",".join(base64.urlsafe_b64encode(key).decode() for key in (b"n" * 32, b"k" * 32))
    monkeypatch.setenv("ENCRYPTION_KEYS", named)
    code, told = say("rotate-keys", "--check")
    assert (code, told["left"]["shop_secrets"], told["left"]["waiting_bodies"]) == (1, 1, 4)
    code, told = say("rotate-keys")
    assert (code, told["ok"], told["sealed_anew"]["waiting_bodies"]) == (0, True, 4)
    code, told = say("rotate-keys", "--check", as_json=False)
    assert (code, "may be removed" in told) == (0, True)


def test_customers_of_the_release_before_keep_their_pseudonyms(tmp_path: Path, sqlite_template: Path) -> None:
    """Their numbers become marks when the shop's secret is made."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import text

    from shopify_app.records import customers, keys, tombstones
    from tests.conftest import KEYS

    database = Database(f"sqlite:///{tmp_path / 'before.db'}", KEYS)
    settings = Config(str(migrate.ROOT / "alembic.ini"))
    settings.attributes["url"] = database.url
    command.upgrade(settings, "0004")
    with database.transaction() as db:
        shop = "INSERT INTO shops (id, domain, state, name, currency, time_zone, country, scopes, installed_at,"
        shop += " orders_counted, orders_at_retrain, settings) VALUES (1, 'a', 'installed', '', '', '', '', '',"
        db.execute(text(shop + " '2026-01-01 00:00:00', 0, 0, '{}')"))
        db.execute(text("INSERT INTO customers (shop_id, customer_id, pseudonym) VALUES (1, 501, 'p501')"))
        gone = keys._unkeyed(1, "customer", 502)
        db.execute(text(f"INSERT INTO tombstones VALUES (1, 'customer', {gone}, '2026-01-01 00:00:00')"))
    migrate.to_head(database.url)
    with database.transaction() as db:
        assert customers.pseudonyms(db, 1, [501, 502]) == {501: "p501"}
        assert tombstones.among(db, keys.of(db, 1), "customer", [501, 502]) == {502}
        assert 501 not in db.scalars(select(Customer.mark)).all()
    database.engine.dispose()
