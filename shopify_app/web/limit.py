"""How long the tasks of an event loop may take, with one timer for all of them.

`asyncio.timeout` sets a timer each: for a webhook, which takes 0.2 ms of CPU time, a thirtieth of it.
"""

import asyncio
from types import TracebackType
from typing import Any

LATE = 0.0


class Limit:
    """`with limit as loop:` gives the task that enters so many seconds; then it is cancelled, and TimeoutError raised.

    All have the same time, so the first to have begun is the first to be late.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: dict[asyncio.Task[Any], float] = {}
        self._is_watching = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> asyncio.AbstractEventLoop:
        loop = self._loop = asyncio.get_running_loop()
        self._until[_task(loop)] = loop.time() + self._seconds
        if not self._is_watching:
            self._is_watching = True
            loop.call_later(self._seconds, self._watch, loop)
        return loop

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        task = _task(self._loop)
        is_late = self._until.pop(task) == LATE
        if is_late and task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        for task, until in self._until.items():
            if until > loop.time():
                loop.call_at(until, self._watch, loop)
                return
            if until != LATE:
                self._until[task] = LATE
                task.cancel()
        self._is_watching = False


def _task(loop: asyncio.AbstractEventLoop | None) -> asyncio.Task[Any]:
    task = asyncio.current_task(loop)  # to look for the loop is a system call, in Python 3.11
    assert task is not None
    return task
