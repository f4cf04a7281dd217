"""Every command under a tired person's fingers: one line for what is wrong, one answer for what is right."""

import json
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError

from shopify_app import cli, up
from shopify_app.config import Settings
from shopify_app.db import Database, in_one_line
from shopify_app.errors import SettingError
from shopify_app.lifecycle import registry
from shopify_app.records import jobs
from shopify_app.tables import Event, Job, Shop, Transition, WorkState
from tests.conftest import Deliver, Say
from tests.factories import order
from tests.lifecycle.making import a_version
from tests.worlds import World

NOBODY = ("--shop", "nobody.myshopify.com")
ON_A_SHOP = (
    ("status",),
    ("retrain",),
    ("backfill",),
    ("reconcile",),
    ("set", "target=0.9"),
    ("promote", "forecast", "1"),
    ("roll-back", "forecast"),
    ("freeze", "forecast"),
    ("unfreeze", "forecast"),
    ("snapshot", "show"),
    ("snapshot", "verify"),
    ("snapshot", "diff", "a", "b"),
    ("snapshot", "reproduce", "forecast", "1"),
    ("events", "list"),
    ("events", "park"),
    ("events", "replay"),
    ("events", "replay", "--into", "sqlite:///{folder}/again.db"),
    ("jobs", "list"),
    ("jobs", "replay"),
    ("redact", "--customer", "1", "--yes"),
    ("exports", "list"),
    ("exports", "save", "1", "{folder}/export.json"),
    ("receipts",),
)
ANSWERS = (
    ("status",),
    ("retrain",),
    ("backfill", "--no-wait"),
    ("reconcile", "--no-wait"),
    ("set", "target=0.9"),
    ("freeze", "forecast"),
    ("unfreeze", "forecast"),
    ("snapshot", "show"),
    ("snapshot", "verify"),
    ("events", "list"),
    ("events", "park"),
    ("events", "replay"),
    ("events", "replay", "--into", "sqlite:///{folder}/again.db"),
    ("jobs", "list"),
    ("jobs", "replay"),
    ("redact", "--customer", "1", "--yes"),
    ("exports", "list"),
    ("receipts",),
)
FOR_ALL = (
    ("status",),
    ("secrets",),
    ("rotate-keys",),
    ("rotate-keys", "--check"),
    ("gc",),
    ("gc", "--dry-run"),
    ("jobs", "list", "--all"),
    ("jobs", "replay", "--all"),
)
WRONG = (
    (("set", "target"), "say target=VALUE"),
    (("set", "target=7"), "a number from 0.5 to 0.99"),
    (("events", "list", "--from", "9", "--to", "3"), "--from 9 is after --to 3"),
    (("events", "park", "--from", "9", "--to", "3"), "--from 9 is after --to 3"),
    (("events", "replay", "--from", "9", "--to", "3"), "--from 9 is after --to 3"),
    (("events", "replay", "--cutoff", "2026-03-01"), "say --into as well"),
    (("events", "replay", "--into", "mysql://x"), "--into is 'mysql://x', which is neither"),
    (("reconcile", "--since", "0001-01-01", "--no-wait"), "--since 0001-01-01 is no day from 2000-01-01 to 2"),
    (("backfill", "--since", "9999-12-31", "--no-wait"), "--since 9999-12-31 is no day from 2000-01-01 to 2"),
    (("events", "replay", "--into", "sqlite:///"), "--into is 'sqlite:///', which names no file"),
    (("events", "replay", "--into", "postgresql://u:secret@host:x/db"), "is no address of a database"),
    (("exports", "save", "1", "{folder}/nowhere/export.json"), "cannot be written: No such file or directory"),
    (("exports", "save", "1", "{folder}/there.json"), "cannot be written: File exists"),
)

NUMBERED = (
    ("promote", "forecast", "{number}"),
    ("snapshot", "reproduce", "forecast", "{number}"),
    ("explain", "{number}"),
    ("events", "list", "--from={number}"),
    ("events", "list", "--to={number}"),
    ("events", "list", "--limit={number}"),
    ("redact", "--customer={number}", "--yes"),
    ("redact", "--customer=1", "--order={number}", "--yes"),
    ("exports", "save", "{number}", "export.json"),
)


def words(command: tuple[str, ...], folder: Path) -> list[str]:
    return [word.format(folder=folder) for word in command]


@pytest.fixture
def with_sales(world: World, installed: Callable[[str], Shop], deliver: Deliver, drain: Callable[[], int]) -> Shop:
    with world.made_once() as is_new:
        alice, bob = installed("alice"), installed("bob")
        if is_new:
            for shop in (alice, bob):
                deliver(shop, "orders/create", order(1))
                deliver(shop, "orders/create", b"broken")
            for _ in range(3):
                drain()
    return alice


@pytest.mark.parametrize("command", ON_A_SHOP, ids=" ".join)
def test_a_shop_that_is_not_here_is_named_in_one_line(
    with_sales: Shop, say: Say, tmp_path: Path, command: tuple[str, ...]
) -> None:
    code, said = say(*words(command, tmp_path), *NOBODY, as_json=False)
    assert (code, said.count("\n"), "nobody.myshopify.com" in said) == (1, 1, True)
    assert not (tmp_path / "export.json").exists()


@pytest.mark.parametrize("command", [*ANSWERS, *FOR_ALL], ids=" ".join)
def test_every_answer_is_one_json_document_alone(
    with_sales: Shop, say: Say, tmp_path: Path, command: tuple[str, ...]
) -> None:
    shop = () if command in FOR_ALL and command != ("status",) else ("--shop", with_sales.domain)
    code, told = say(*words(command, tmp_path), *shop)
    assert (code, type(told)) == (0, dict)


@pytest.mark.parametrize(("command", "expected"), WRONG, ids=lambda one: one if isinstance(one, str) else " ".join(one))
def test_an_argument_that_makes_no_sense_is_refused_in_one_line(
    with_sales: Shop, say: Say, tmp_path: Path, command: tuple[str, ...], expected: str
) -> None:
    (tmp_path / "there.json").write_text("mine")
    code, said = say(*words(command, tmp_path), "--shop", with_sales.domain, as_json=False)
    assert (code, said.count("\n"), expected in said) == (2, 1, True), said
    assert (tmp_path / "there.json").read_text() == "mine"


@pytest.mark.parametrize("number", ["0", "-1", str(2**63), "9" * 30, "one"])
@pytest.mark.parametrize("command", NUMBERED, ids=" ".join)
def test_a_number_that_no_row_can_have_is_refused(
    with_sales: Shop, say: Say, capsys: pytest.CaptureFixture[str], command: tuple[str, ...], number: str
) -> None:
    with pytest.raises(SystemExit) as over:
        say(*(word.format(number=number) for word in command), "--shop", with_sales.domain)
    said = capsys.readouterr().err
    assert (over.value.code, "is no number from 1 to" in said) == (2, True), said


def test_no_shop_at_all_is_not_every_shop(with_sales: Shop, say: Say) -> None:
    for command in ("list", "replay"):
        code, said = say("jobs", command, "--shop", "", as_json=False)
        assert (code, said.count("\n"), "no shop" in said) == (1, 1, True), said


def test_a_database_that_is_not_there_or_of_another_release_is_said_so(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url, expected in (
        (f"sqlite:///{tmp_path}/fresh.db", "python -m shopify_app migrate"),
        ("postgresql://nobody@127.0.0.1:1/nothing", "look at DATABASE_URL: connection failed"),
    ):
        monkeypatch.setenv("DATABASE_URL", url)
        code, said = say("status", as_json=False)
        assert (code, said.count("\n"), expected in said) == (1, 1, True), said


def test_a_folder_that_cannot_be_written_is_named_in_one_line(
    with_sales: Shop, say: Say, settings: Settings, tmp_path: Path
) -> None:
    lists = tmp_path / "lists.parquet"
    pd.DataFrame({"product_id": [1], "neighbour_id": [2], "score": [1.0]}).to_parquet(lists)
    (settings.var / "scratch").write_text("in the way")
    code, said = say("import-lists", "--shop", with_sales.domain, str(lists), as_json=False)
    assert (code, said.count("\n"), f"{settings.var}/scratch: " in said) == (1, 1, True), said


def said_of(folder: Path, before: str, refused: str) -> str:
    """What is told of the second statement, which the database does not take after the first."""
    with Database(f"sqlite:///{folder}/asked.db").reading() as db:
        db.connection().exec_driver_sql(before)
        with pytest.raises(DBAPIError) as error:
            db.connection().exec_driver_sql(refused)
    return in_one_line(error.value)


def test_a_column_that_only_a_later_release_writes_asks_for_the_migration(tmp_path: Path) -> None:
    said = said_of(tmp_path, "CREATE TABLE jobs (id INTEGER)", "INSERT INTO jobs (later) VALUES (1)")
    assert said.endswith("python -m shopify_app migrate")


def test_an_answer_that_nobody_can_take_is_an_error_in_one_line(
    with_sales: Shop, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = open("/dev/full", "w")  # noqa: SIM115
    monkeypatch.setattr("sys.stdout", full)
    code, said = say("status", as_json=False)
    monkeypatch.undo()
    os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())
    assert (code, said.count("\n"), "No space left" in said) == (1, 1, True), said


def test_a_database_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    said = said_of(tmp_path, "PRAGMA max_page_count = 1", "CREATE TABLE more (id INTEGER)")
    assert said.startswith("the database could not be written, look at its disk")


def test_a_key_that_is_missing_is_asked_for(
    database: Database, with_sales: Shop, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENCRYPTION_KEYS", "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=")
    code, told = say("rotate-keys")
    assert (code, told["ok"], told["sealed_anew"]["unreadable"] > 0) == (1, False, True)
    assert "a key is missing: put the one before back" in told["next"]


def test_another_database_that_cannot_be_reached_is_not_taken_for_the_apps_own(with_sales: Shop, say: Say) -> None:
    words = ("events", "replay", "--shop", with_sales.domain, "--into", "postgresql://nobody@127.0.0.1:1/nothing")
    code, said = say(*words, as_json=False)
    assert (code, said.count("\n"), "look at --into: connection failed" in said) == (1, 1, True), said


def test_a_range_without_rows_gives_nothing_to_compare(with_sales: Shop, say: Say, tmp_path: Path) -> None:
    words = ("events", "replay", "--shop", with_sales.domain, "--into", f"sqlite:///{tmp_path}/again.db")
    code, said = say(*words, "--from", "9000", "--cutoff", "2026-03-01", as_json=False)
    assert (code, "nothing to compare" in said) == (1, True), said


def test_nothing_is_asked_for_or_started_under_a_key_that_is_not_the_databases(
    database: Database, with_sales: Shop, settings: Settings, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENCRYPTION_KEYS", "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=")
    with database.reading() as db:
        before = db.scalar(select(func.count()).select_from(Event))
    code, said = say("redact", "--shop", with_sales.domain, "--customer", "1", "--yes", as_json=False)
    assert (code, said.count("\n"), "a key that ENCRYPTION_KEYS does not hold" in said) == (1, 1, True), said
    with database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Event)) == before
    with pytest.raises(SettingError, match="put its key back"):
        up.check_keys(replace(settings, encryption_keys=(b"x" * 32,)))
    up.check_keys(settings)


def test_parquet_that_is_none_is_refused_in_one_line(with_sales: Shop, say: Say, tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_text("hello")
    for command in ("import-forecast", "import-lists"):
        code, said = say(command, "--shop", with_sales.domain, str(tmp_path / "bad.parquet"), as_json=False)
        assert (code, said.count("\n"), "cannot be read as Parquet" in said) == (1, 1, True), said


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"series": [], "ds": [], "mean": []}, "forecast table: no series in it"),
        ({0: ["1"], 1: ["2026-03-01"]}, "lacks the columns series, ds, mean; it has 0, 1"),
    ],
)
def test_a_forecast_of_nothing_is_refused_in_one_line(
    with_sales: Shop, say: Say, tmp_path: Path, columns: dict[Any, Any], expected: str
) -> None:
    pd.DataFrame(columns).to_parquet(tmp_path / "odd.parquet")
    code, said = say("import-forecast", "--shop", with_sales.domain, str(tmp_path / "odd.parquet"), as_json=False)
    assert (code, said.count("\n"), expected in said) == (1, 1, True), said


def test_the_newest_events_are_listed_and_older_ones_counted(with_sales: Shop, say: Say) -> None:
    code, told = say("events", "list", "--shop", with_sales.domain, "--limit", "1")
    assert (code, [event["state"] for event in told["events"]], told["older"]) == (0, ["parked"], 1)


def test_status_says_why_a_job_was_given_up(database: Database, with_sales: Shop, say: Say) -> None:
    with database.transaction() as db:
        job_id = jobs.ask(db, with_sales.id, "retrain", "asked for")
        job = db.get_one(Job, job_id)
        job.state, job.error = WorkState.PARKED, "no sales yet"
    _, told = say("status", "--shop", with_sales.domain)
    found = told[with_sales.domain]
    assert found["jobs_parked"] == [f"retrain {job_id}: no sales yet"]
    assert found["last_delivery_at"] is not None


def test_status_of_a_shop_says_whether_anybody_changed_its_history(
    database: Database, with_sales: Shop, bob: Shop, say: Say
) -> None:
    with database.transaction() as db:
        for shop in (db.merge(with_sales), db.merge(bob)):
            for number in (1, 2):
                a_version(db, shop, "forecast")
                registry.promote(db, shop, "forecast", number, actor="merchant", reason="try")
        here = Transition.shop_id == with_sales.id, Transition.generation == 2
        db.execute(update(Transition).where(*here).values(reason="nothing to see"))
    told = {shop: say("status", "--shop", shop)[1][shop]["history"] for shop in (with_sales.domain, bob.domain)}
    assert told[with_sales.domain] == {"forecast": "changed or missing from change 2 on", "recommend": "whole"}
    assert told[bob.domain] == {"forecast": "whole", "recommend": "whole"}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_is_taken_is_refused_in_one_line(say: Say, host: str) -> None:
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as taken:
        code, said = say("serve", "--host", host, "--port", str(taken.getsockname()[1]), as_json=False)
    assert (code, said.count("\n"), "already in use" in said) == (2, 1, True), said


def test_a_port_that_is_none_is_refused_in_one_line(say: Say) -> None:
    code, said = say("up", "--port", "99999", as_json=False)
    assert (code, said.count("\n"), "ports end at 65535" in said) == (2, 1, True), said


def test_help_is_for_the_person_who_asks(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as over:
        cli.main(["--help"])
    said = capsys.readouterr().out
    assert over.value.code == 0
    assert "docs/operating.md" in said
    assert "numpy" not in said


def test_dates_in_json_are_read_by_every_machine(with_sales: Shop, say: Say) -> None:
    _, told = say("events", "list", "--shop", with_sales.domain)
    assert json.dumps(told["events"][0]["received_at"]).count("T") == 1
