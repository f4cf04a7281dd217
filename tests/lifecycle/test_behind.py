"""What is written behind an answer never costs the answer."""

import threading
import time

from shopify_app.lifecycle.behind import WAITING, Behind


def test_everything_taken_is_written_in_order() -> None:
    written: list[int] = []
    behind = Behind[int](written.extend)
    for item in range(1000):
        behind.put(item)
    behind.flush()
    assert written == list(range(1000))


def test_a_failing_writer_loses_items_and_counts_them() -> None:
    def fail(items: list[int]) -> None:
        raise OSError("disk full")

    behind = Behind[int](fail)
    behind.put(1)
    behind.flush()
    behind.put(2)
    behind.flush()
    assert behind.lost == 2


def test_a_stuck_writer_does_not_hold_up_the_caller() -> None:
    stuck = threading.Event()
    behind = Behind[int](lambda items: stuck.wait(30) and None)
    started = time.thread_time()
    for item in range(WAITING + 1000):
        behind.put(item)
    used = time.thread_time() - started
    stuck.set()
    assert behind.lost >= 400
    assert used < 5
