"""Server, database or disk fail while deliveries come in: what was acknowledged is stored, once."""

import random
import resource
import socket
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from bench import servers
from tests.long.intake_clients import SENDERS, SHOP, Senders, Server, serving

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def postgres() -> Iterator[servers.Postgres]:
    with servers.postgresql() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """Our web server on an empty database of either kind."""
    database = f"sqlite:///{tmp_path / 'foretally.db'}"
    if request.param == "postgresql":
        database = request.getfixturevalue("postgres").database(f"faults_{time.monotonic_ns()}")
    with serving(tmp_path / "var", database) as made:
        yield made


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def steady(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that tests share which break nothing: each sends orders with numbers of its own."""
    folder = tmp_path_factory.mktemp("steady")
    database = f"sqlite:///{folder / 'foretally.db'}"
    if request.param == "postgresql":
        database = request.getfixturevalue("postgres").database("steady")
    with serving(folder / "var", database) as made:
        yield made


def check(server: Server, senders: Senders) -> None:
    """Every acknowledged delivery is stored, and none twice."""
    stored = Counter(server.stored())
    assert senders.acknowledged - {webhook_id for webhook_id, _, _ in stored} == set()
    assert set(stored.values()) == {1}


def test_killing_the_server_again_and_again_loses_nothing_and_doubles_nothing(server: Server) -> None:
    """Ten times on each database, at random moments under load."""
    senders, dice = Senders(server), random.Random(3)
    with senders.at_work():
        for _ in range(10):
            senders.hear(1)
            time.sleep(0.1 + 0.3 * dice.random())
            server.kill()
            server.start()
    check(server, senders)
    assert set(senders.answers) <= {200, 503}


def test_a_database_that_restarts_is_waited_for_and_found_again(postgres: servers.Postgres, tmp_path: Path) -> None:
    with serving(tmp_path, postgres.database("restarts")) as server:
        senders = Senders(server)
        with senders.at_work():
            for _ in range(2):
                time.sleep(0.5)
                postgres.run("-m", "immediate", "restart")
                senders.hear(50)
        check(server, senders)
    assert set(senders.answers) <= {200, 503}


def test_connections_that_an_administrator_ends_cost_no_delivery(postgres: servers.Postgres, tmp_path: Path) -> None:
    with serving(tmp_path, postgres.database("ended")) as server:
        senders = Senders(server)
        with senders.at_work(), psycopg.connect(f"{postgres.address}/postgres", autocommit=True) as administrator:
            for _ in range(10):
                time.sleep(0.1)
                administrator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'ended'")
        check(server, senders)
    assert senders.answers[200] > 200
    assert set(senders.answers) <= {200, 503}


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Six megabytes mounted at `folder`. False where nothing may be mounted: then files have to be kept small."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    is_mounted = subprocess.run(mount, capture_output=True).returncode == 0
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def limit_files(server: Server, size: int) -> None:
    """No process of the server may write a file beyond this size."""
    assert server.process is not None
    for process in (psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)):
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_full_disk_turns_deliveries_away_and_room_lets_them_in_again(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk) as is_mounted, serving(tmp_path / "var", f"sqlite:///{disk / 'foretally.db'}") as server:
        if not is_mounted:
            limit_files(server, 6 << 20)
        senders = Senders(server)
        with senders.at_work():
            wait(lambda: senders.answers[503] > 50)
        check(server, senders)
        if is_mounted:
            subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
        else:
            limit_files(server, resource.RLIM_INFINITY)
        before = len(senders.acknowledged)
        with senders.at_work():
            wait(lambda: len(senders.acknowledged) > before + 200)
        check(server, senders)
        assert before > 100
        assert set(senders.answers) == {200, 503}


def wait(until: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def test_one_delivery_a_hundred_times_from_sixteen_clients_is_one_row(steady: Server) -> None:
    with ThreadPoolExecutor(SENDERS) as senders:
        assert Counter(senders.map(steady.answer, [7] * 100)) == {200: 100}
    assert [one for one in steady.stored() if one[0] == "7"] == [("7", SHOP, "orders/create")]


def test_a_captured_delivery_replayed_for_others_is_never_taken_for_theirs(steady: Server) -> None:
    replays = [{}, {}, {"shop": "bob.myshopify.com"}, {"topic": "orders/delete"}, {"topic": "orders/updated"}]
    assert [steady.answer(8, **how) for how in replays] == [200] * 5
    assert len([one for one in steady.stored() if one[0] == "8"]) == 4
    told = urllib.request.urlopen(f"http://127.0.0.1:{steady.port}/metrics").read().decode()
    assert "foretally_inbox_quarantined 2.0" in told


def test_a_burst_from_many_clients_is_taken_or_turned_away_in_time(steady: Server) -> None:
    senders = Senders(steady, first=1000)
    with senders.at_work(count=96):
        time.sleep(3)
    check(steady, senders)
    assert set(senders.answers) <= {200, 503}
    assert senders.answers[200] > 10 * senders.answers[503]
    assert senders.slowest < 5


@pytest.mark.parametrize("steady", ["sqlite"], indirect=True)  # nothing here is about the database
def test_slow_senders_are_cut_off_and_keep_nobody_waiting(steady: Server) -> None:
    head = b"POST /webhooks HTTP/1.1\r\nHost: x\r\nContent-Length: 17000\r\n\r\n{"
    slow = [socket.create_connection(("127.0.0.1", steady.port), timeout=10) for _ in range(200)]
    started = time.monotonic()
    for one in slow:
        one.sendall(head)
    senders = Senders(steady, first=1_000_000)
    with senders.at_work():
        heard = [one.recv(1000) for one in slow]
    took = time.monotonic() - started
    for one in slow:
        one.close()
    assert all(answer.startswith(b"HTTP/1.1 408") for answer in heard)
    assert took < 6
    check(steady, senders)
    assert set(senders.answers) == {200}
    assert senders.answers[200] > 500
    assert senders.slowest < 2
