"""A broker made of a folder hands out whole messages, however busy those are who write and who read."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from celery import Celery

from shopify_app.config import Settings
from shopify_app.nudge import broker

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # nothing here is about the database

WRITERS, EACH = 3, 400


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads take turns every few instructions."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hasty")
def test_a_message_is_never_taken_before_it_is_written(settings: Settings) -> None:
    app = Celery("foretally", set_as_current=False)
    app.conf.update(broker(settings))
    folder, name = settings.var / "broker" / "queue", uuid4().hex  # Kombu remembers queues for a process, not a folder

    def write(writer: int) -> None:
        with app.connection() as connection, connection.SimpleQueue(name) as queue:
            for n in range(EACH):
                queue.put((writer, n))

    read = []
    with (
        app.connection() as connection,
        connection.SimpleQueue(name) as queue,
        ThreadPoolExecutor(WRITERS) as threads,
    ):
        writers = [threads.submit(write, n) for n in range(WRITERS)]
        while not all(writer.done() for writer in writers) or any(folder.glob("*.msg")):
            try:
                message = queue.get(timeout=0.05)
            except queue.Empty:
                continue
            message.ack()
            read.append(tuple(message.payload))
    assert [writer.exception() for writer in writers] == [None] * WRITERS
    assert sorted(read) == [(writer, n) for writer in range(WRITERS) for n in range(EACH)]
    assert list(folder.iterdir()) == []
