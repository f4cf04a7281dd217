"""One timer for many tasks: each hears TimeoutError when its own time is over, and nobody else's."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any, TypeVar

import pytest

from shopify_app.web.limit import Limit

T = TypeVar("T")
SECONDS = 0.1
FOREVER = 30.0


def played(play: Coroutine[Any, Any, T]) -> T:
    """What comes of it in an event loop of its own: in this thread Chromium's may be running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, play).result()


async def took(limit: Limit, seconds: float) -> float:
    """After how many seconds a task that wants so many was stopped."""
    started = monotonic()
    with pytest.raises(TimeoutError), limit:
        await asyncio.sleep(seconds)
    return monotonic() - started


def test_who_begins_later_is_stopped_later() -> None:
    async def play() -> list[float]:
        limit = Limit(SECONDS)

        async def begin(after: float) -> float:
            await asyncio.sleep(after)
            return await took(limit, FOREVER)

        return await asyncio.gather(*(begin(after) for after in (0.0, 0.03, 0.06, 0.3)))

    assert all(SECONDS <= seconds < 5 for seconds in played(play()))


def test_who_is_quick_hears_nothing_even_afterwards() -> None:
    async def play() -> str:
        limit = Limit(SECONDS)
        slow = asyncio.create_task(took(limit, FOREVER))
        with limit:
            await asyncio.sleep(0)
        await asyncio.sleep(2 * SECONDS)
        await slow
        return "undisturbed"

    assert played(play()) == "undisturbed"


def test_a_task_can_enter_again_after_it_was_late() -> None:
    async def play() -> float:
        limit = Limit(SECONDS)
        await took(limit, FOREVER)
        return await took(limit, FOREVER)

    assert played(play()) >= SECONDS


def test_being_cancelled_by_somebody_else_is_not_being_late() -> None:
    async def play() -> bool:
        limit = Limit(FOREVER)

        async def work() -> None:
            with limit:
                await asyncio.sleep(FOREVER)

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        return isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)

    assert played(play())


def test_what_the_work_raises_comes_through() -> None:
    async def play() -> None:
        with Limit(SECONDS):
            raise KeyError("its own")

    with pytest.raises(KeyError, match="its own"):
        played(play())
