"""The file for a mailing tool: who accepts marketing, each with their own list; it goes with whoever is forgotten."""

import csv
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from sqlalchemy import update

from ml.bundles import Trained
from ml.recommend import lists as writing
from ml.recommend.customers import CustomerTable
from ml.recommend.neighbours import NOBODY, NeighbourTable
from shopify_app import clock
from shopify_app.errors import NotFound
from shopify_app.lifecycle import registry
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.records import customers, ingest, jobs, keys, mailings, sealed_files
from shopify_app.tables import Job, Mailing, Shop, WorkState
from tests.conftest import Say
from tests.lifecycle.making import a_version
from tests.reading.conftest import Town, TownAsKept, settled, working
from workers import run

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # nothing here is about the database
ACCEPTING = [500, 502, 503, 505, 506]
"""Of the local Shopify's customers 500 to 506."""
PRODUCTS = np.arange(1, 4)


def own_lists(town: Town, shop: Shop, home: int) -> str:
    """A bundle in which customer 500 has a personal list, 502 only bought product 1, and all others get `home`."""
    with town.context.database.reading() as db:
        secret = keys.find(db, shop.id)
        assert secret is not None
        names = customers.known(db, secret, [500, 502])
    rows = sorted((names[number], number) for number in names)
    again = np.array([[0, NOBODY] for _ in rows], np.int32)
    personal = np.array([[2, 1] if number == 500 else [NOBODY, NOBODY] for _, number in rows], np.int32)
    scores = np.zeros(again.shape, np.float32)
    own = CustomerTable(
        np.array([name for name, _ in rows]), PRODUCTS, {"again": (again, scores), "personal": (personal, scores)}
    )
    near = np.array([[1, 2], [NOBODY, NOBODY], [NOBODY, NOBODY]], np.int32)
    weights = np.array([[0.9, 0.5], [0, 0], [0, 0]], np.float32)
    table = NeighbourTable(PRODUCTS, near, weights, np.zeros(near.shape, np.int32), np.array([home]))
    folder: Path = town.context.settings.var / f"made-{shop.id}"
    writing.write(Trained(folder, "recommend", "table", {}, shop.id, None, {}, "test"), table, own)
    return Bundles(town.context.settings).keep(folder)


@pytest.fixture
def town(town_as_kept: TownAsKept) -> Town:
    """Both shops' histories are read, and lists are in charge."""
    return town_as_kept(with_lists)


def with_lists(town: Town) -> None:
    settled(town)
    for handle, home in (("alice", 3), ("bob", 2)):
        shop = town.shop(handle)
        bundle = own_lists(town, shop, home)
        with town.context.database.transaction() as db:
            a_version(db, shop, "recommend", bundle=bundle)
            registry.promote(db, shop, "recommend", 1, actor="merchant", reason="first")


def ask(town: Town, handle: str) -> None:
    shop = town.store.shop(handle)
    reply = requests.post(
        f"{town.context.settings.app_url}/recommendations/mailing",
        headers={"Authorization": f"Bearer {shop.mint_id_token()}"},
        allow_redirects=False,
        timeout=20,
    )
    assert (reply.status_code, reply.headers["Location"]) == (303, "/recommendations?said=mailing")


def fetch(town: Town, handle: str) -> requests.Response:
    token = town.store.shop(handle).mint_id_token()
    address = f"{town.context.settings.app_url}/recommendations/mailing.csv"
    return requests.get(address, headers={"Authorization": f"Bearer {token}"}, timeout=20)


def again(town: Town, handle: str) -> None:
    """Another attempt at the file that was asked for."""
    with town.context.database.transaction() as db:
        jobs.ask(db, town.shop(handle).id, "mailing", "test", payload={"state": {}})


def page(town: Town, handle: str) -> str:
    """The Recommendations page, with the shop's lists written."""
    with town.context.database.transaction() as db:
        jobs.ask(db, town.shop(handle).id, "publish", "test")
    run.drain(town.context, ("publish",))
    token = town.store.shop(handle).mint_id_token()
    address = f"{town.context.settings.app_url}/recommendations"
    reply = requests.get(address, headers={"Authorization": f"Bearer {token}"}, timeout=20)
    assert reply.status_code == 200
    return reply.text


def make(town: Town, tries: int = 30) -> None:
    for _ in range(tries):
        with town.context.database.transaction() as db:
            past = clock.now() - timedelta(seconds=1)
            db.execute(update(Job).where(Job.kind == "mailing").values(due_at=past))
        run.drain(town.context, ("mailing",))
        if all(job.state == WorkState.DONE for job in town.jobs("mailing")):
            return
    raise AssertionError([(job.state, job.error) for job in town.jobs("mailing")])


def told(content: str) -> dict[int, tuple[str, list[int]]]:
    rows = csv.DictReader(io.StringIO(content))
    return {
        int(row["customer_id"]): (
            row["list"],
            [int(row[f"product_{n}_id"]) for n in range(1, 9) if row[f"product_{n}_id"]],
        )
        for row in rows
    }


def test_each_customer_who_accepts_marketing_gets_their_own_list(town: Town) -> None:
    ask(town, "alice")
    make(town)
    reply = fetch(town, "alice")
    assert reply.headers["Content-Type"].startswith("text/csv")
    found = told(reply.text)
    assert sorted(found) == ACCEPTING
    assert found[500] == ("personal", [3, 2])
    assert found[502] == ("onward", [2, 3])
    assert found[503] == ("home", [3])
    row = next(csv.DictReader(io.StringIO(reply.text)))
    named = [row[f"product_1_{about}"] for about in ("handle", "title", "url")]
    assert named == ["thing-3", "Thing 3", "https://alice.myshopify.com/products/thing-3"]
    assert fetch(town, "bob").status_code == 404
    ask(town, "bob")
    make(town)
    assert told(fetch(town, "bob").text)[503] == ("home", [2])


def test_no_file_is_made_when_shopify_does_not_tell_who_accepts_marketing(town: Town) -> None:
    town.control("alice", "faults", {"consent_unsaid": True})
    ask(town, "alice")
    ask(town, "bob")
    run.drain(town.context, ("mailing",))
    only = town.jobs("mailing")[0]
    assert (only.state, only.error) == (
        WorkState.PARKED,
        "Shopify does not tell who accepts marketing, it names everybody",
    )
    assert not any("customers(" in one.query for one in town.store.shop("alice").bulk.all())
    assert "No file was made: Shopify does not tell who accepts marketing" in page(town, "alice")
    assert fetch(town, "alice").status_code == 404
    assert sorted(told(fetch(town, "bob").text)) == ACCEPTING
    town.control("alice", "faults", {"consent_unsaid": False})
    ask(town, "alice")
    run.drain(town.context, ("mailing",))
    assert sorted(told(fetch(town, "alice").text)) == ACCEPTING


def test_a_merchant_s_rules_and_the_stock_hold_here_too(town: Town) -> None:
    with town.context.database.transaction() as db:
        shop = db.merge(town.shop("alice"))
        ingest.apply(db, shop, "products/delete", {"id": 3}, business_clock="data")
    ask(town, "alice")
    make(town)
    found = told(fetch(town, "alice").text)
    assert found[500] == ("personal", [2])
    assert found[502] == ("onward", [2])
    assert all(3 not in shown for _, shown in found.values())


def test_with_a_forgotten_customer_the_file_goes_and_the_next_is_without_them(town: Town) -> None:
    for handle in ("alice", "bob"):
        ask(town, handle)
    make(town)
    with town.context.database.reading() as db:
        mine = mailings.newest(db, town.shop("alice").id)
        assert mine is not None
        assert mine.sha256 is not None
    town.control("alice", "compliance", {"topic": "customers/redact", "customer_id": 500, "order_ids": []})
    town.drain()
    assert fetch(town, "alice").status_code == 404
    assert mine.sha256 not in {entry.name for entry in town.context.objects.entries()}
    assert 500 in told(fetch(town, "bob").text)
    ask(town, "alice")
    make(town)
    assert sorted(told(fetch(town, "alice").text)) == [one for one in ACCEPTING if one != 500]


def test_a_file_in_the_making_is_begun_anew_when_somebody_is_forgotten_meanwhile(town: Town) -> None:
    ask(town, "alice")
    database, shop_id = town.context.database, town.shop("alice").id
    with database.reading() as db:
        begun = mailings.newest(db, shop_id)
    assert begun is not None
    town.control("alice", "compliance", {"topic": "customers/redact", "customer_id": 500, "order_ids": []})
    town.drain()
    assert not mailings.keep(database, town.context.objects, begun, b"500", 1)
    make(town)
    assert 500 not in told(fetch(town, "alice").text)


def test_a_file_that_nobody_makes_any_more_is_not_asked_for_anew_by_an_erasure(town: Town) -> None:
    ask(town, "alice")
    with town.context.database.transaction() as db:
        db.execute(update(Job).where(Job.kind == "mailing").values(state=WorkState.PARKED, error="in vain"))
    assert "No file was made: in vain" in page(town, "alice")
    town.control("alice", "compliance", {"topic": "customers/redact", "customer_id": 500, "order_ids": []})
    town.drain()
    with town.context.database.reading() as db:
        assert mailings.newest(db, town.shop("alice").id) is None


def test_a_file_that_was_made_before_its_worker_was_killed_is_told_by_the_next_attempt(town: Town) -> None:
    ask(town, "alice")
    make(town)
    again(town, "alice")
    make(town)
    first, second = town.jobs("mailing")
    assert first.result is not None
    assert second.result == {"mailing": first.result["mailing"], "customers": len(ACCEPTING)}


def test_an_empty_bucket_is_waited_for_while_products_are_looked_up(town: Town) -> None:
    """A new attempt would download all customers again."""
    faults, session, seen = town.store.shop("alice").faults, town.context.session, list[str]()

    def throttle(reply: requests.Response, **_: Any) -> None:
        is_download = reply.request.method == "GET"
        seen.append("download" if is_download else "throttled" if "THROTTLED" in reply.text else "answer")
        faults.change({"throttle": float(seen[-1] == "download" or seen[-2:] == ["download", "throttled"])})

    ask(town, "alice")
    session.hooks["response"].append(throttle)
    run.drain(town.context, ("mailing",))
    assert (town.jobs("mailing")[0].state, seen.count("download")) == (WorkState.DONE, 1)
    assert seen[-4:] == ["download", "throttled", "throttled", "answer"]
    assert sorted(told(fetch(town, "alice").text)) == ACCEPTING


def test_a_file_waits_for_shopify_until_it_tells_that_all_is_collected(town: Town) -> None:
    ask(town, "alice")
    later = clock.now() + timedelta(hours=1)
    with town.context.database.transaction() as db:
        db.execute(update(Job).where(Job.kind == "mailing").values(due_at=later))
        ingest.apply(db, town.shop("alice"), "bulk_operations/finish", {}, business_clock="data")
    assert town.jobs("mailing")[0].due_at < later - timedelta(minutes=50)


def test_without_the_app_no_file_is_made(town: Town) -> None:
    ask(town, "alice")
    town.control("alice", "uninstall", {})
    town.drain()
    only = town.jobs("mailing")[0]
    assert (only.state, only.result) == (WorkState.DONE, {"dropped": "the app was uninstalled"})


def test_a_file_is_sealed_and_kept_for_a_day(town: Town) -> None:
    ask(town, "alice")
    make(town)
    database, shop_id = town.context.database, town.shop("alice").id
    with database.reading() as db:
        mailing = mailings.newest(db, shop_id)
        assert mailing is not None
        assert mailing.sha256 is not None
    sealed = town.context.objects.read(mailing.sha256)
    assert not any(word in sealed for word in (b"customer_id", b"personal", b"thing-3"))
    with database.transaction() as db:
        db.execute(update(Mailing).values(expires_at=clock.now() - timedelta(seconds=1)))
    with pytest.raises(NotFound):
        mailings.fetch(database, town.context.objects, shop_id, by="test")
    assert sealed_files.expire(database, clock.now()) == 1


def test_the_command_line_saves_it_readable_by_its_owner_alone(
    town: Town, tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_URL", town.context.settings.app_url)
    file = tmp_path / "customers.csv"
    with working(town, lambda: run.drain(town.context, ("mailing",))):
        code, said = say("mailing", "--shop", "alice.myshopify.com", str(file))
    assert (code, said["customers"]) == (0, len(ACCEPTING))
    assert sorted(told(file.read_text())) == ACCEPTING
    assert file.stat().st_mode & 0o777 == 0o600
    assert say("mailing", "--shop", "alice.myshopify.com", str(file), as_json=False)[0] == 2
