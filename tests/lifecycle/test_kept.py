"""What is read from the database is read by one thread at a time, and nobody waits for it without need."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from shopify_app.lifecycle.kept import Kept


def test_threads_that_come_at_once_read_once() -> None:
    reads: list[str] = []

    def read(key: str, _before: int | None) -> int:
        reads.append(key)
        return len(reads)

    kept, together = Kept(60.0, read), threading.Barrier(8)

    def ask(_: int) -> int:
        together.wait()
        return kept.get("shop")

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(8))) == {1}
    assert reads == ["shop"]


def test_while_one_reads_again_the_others_get_the_value_before() -> None:
    reading, go_on = threading.Event(), threading.Event()

    def read(_key: str, before: int | None) -> int:
        if before is not None:
            reading.set()
            go_on.wait(10)
        return (before or 0) + 1

    kept = Kept(0.2, read)
    assert kept.get("shop") == 1
    threading.Event().wait(0.21)
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(kept.get, "shop")
        assert reading.wait(10)
        assert kept.get("shop") == 1
        go_on.set()
        assert slow.result() == 2
    assert kept.get("shop") == 2


def test_what_cannot_be_read_is_not_kept() -> None:
    answers = iter([ValueError("gone"), 7])

    def read(_key: str, _before: int | None) -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    kept = Kept(60.0, read)
    with pytest.raises(ValueError, match="gone"):
        kept.get("shop")
    assert kept.get("shop") == 7
