"""A short lease that is renewed: a killed holder is soon followed, a slow one is not."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from shopify_app.records.leases import LostLease, renewed

LEASE = timedelta(milliseconds=30)


def renewals(fail: Callable[[int], None], enough: int) -> int:
    """How many renewals a work saw that waited for so many of them, and a little longer."""
    times, seen = 0, threading.Event()

    def renew() -> None:
        nonlocal times
        times += 1
        if times >= enough:
            seen.set()
        fail(times)

    with renewed(renew, LEASE):
        assert seen.wait(10)
        time.sleep(10 * LEASE.total_seconds())
    return times


def test_a_lease_is_renewed_for_as_long_as_the_work_takes_and_no_longer() -> None:
    times: list[float] = []
    with renewed(lambda: times.append(time.monotonic()), LEASE):
        time.sleep(10 * LEASE.total_seconds())
    over = time.monotonic()
    time.sleep(5 * LEASE.total_seconds())
    assert len(times) > 2
    assert max(times) <= over


def test_a_renewal_that_fails_is_tried_again() -> None:
    def fail(times: int) -> None:
        if times == 1:
            raise OSError("the database is away")

    assert renewals(fail, enough=3) >= 3


def test_a_lease_that_somebody_else_took_is_left_alone() -> None:
    def fail(times: int) -> None:
        raise LostLease("it is no longer ours")

    assert renewals(fail, enough=1) == 1
