"""A worker hears that there is work; a storm is a few rings, and a broken bell is nobody's trouble."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from shopify_app import nudge
from shopify_app.config import Settings
from shopify_app.nudge import Doorbell

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # nothing here is about the database


def messages(settings: Settings) -> list[str]:
    return [path.read_text() for path in (settings.var / "broker" / "queue").glob("*.msg")]


def test_a_ring_becomes_a_message_for_whoever_listens(settings: Settings) -> None:
    bell = Doorbell(settings)
    bell.ring("ingest")
    bell.ring("train")
    assert bell.flush()
    told = messages(settings)
    assert len(told) == 2
    assert sum("foretally.ingest" in one for one in told) == 1
    names = {path.name.split(".")[1] for path in (settings.var / "broker" / "queue").glob("*.msg")}
    assert names == {"desk", "training"}


def test_a_storm_of_rings_is_a_few_messages_and_the_last_is_heard(settings: Settings) -> None:
    bell = Doorbell(settings)
    started = time.monotonic()
    threads = [threading.Thread(target=lambda: [bell.ring("ingest") for _ in range(300)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bell.flush()
    assert 1 <= len(messages(settings)) <= 2 + (time.monotonic() - started) / nudge.APART
    before = len(messages(settings))
    bell.ring("ingest")
    assert bell.flush()
    assert len(messages(settings)) == before + 1


def test_a_broken_broker_is_told_once_and_ringing_never_fails(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    bell = Doorbell(replace(settings, broker_url="redis://127.0.0.1:1/0"))
    for _ in range(3):
        started = time.monotonic()
        bell.ring("ingest")
        assert time.monotonic() - started < 0.5
        assert bell.flush(20)
    captured = capsys.readouterr()
    assert (captured.out + captured.err).count("the broker is down") == 1


def test_a_bell_nobody_listens_for_is_a_mistake_in_the_code(settings: Settings, tmp_path: Path) -> None:
    nudge.configure(settings)
    with pytest.raises(ValueError, match="nobody listens"):
        nudge.nudge("dinner")
