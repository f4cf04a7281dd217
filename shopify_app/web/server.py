"""The web server: one process, one event loop that reads and answers, and threads for whatever has to wait."""

import asyncio
import signal
import time
from email.utils import formatdate
from typing import Any

import uvloop

from shopify_app.errors import SettingError
from shopify_app.web.connection import Connection, Desk

MOST = 1024
"""Connections at a time, idle ones too; who comes then is hung up on."""
LOOK = 0.25
"""Seconds between two looks at what is late."""
LAST_WORDS = 10.0
"""Seconds that a stop waits for answers that are on their way."""


class Server:
    """Listens, looks after its connections, and ends them one by one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._open: set[Connection] = set()
        self._date = b""

    async def serve(self, host: str, port: int, over: asyncio.Event) -> None:
        """Answer until it is over. Raises OSError when the port is taken."""
        self._tell_time()
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(self._connection, host, port, backlog=MOST)
        while not over.is_set():
            self._look()
            try:
                await asyncio.wait_for(over.wait(), LOOK)
            except TimeoutError:
                continue
        listening.close()
        await self._end()

    def _connection(self) -> asyncio.BaseProtocol:
        loop = asyncio.get_running_loop()
        made = Connection(self._desk, loop.time, lambda: self._date, self._open)
        return made if len(self._open) < MOST else Full()

    def _look(self) -> None:
        self._tell_time()
        for one in tuple(self._open):
            one.look()

    def _tell_time(self) -> None:
        self._date = formatdate(time.time(), usegmt=True).encode()

    async def _end(self) -> None:
        until = time.monotonic() + LAST_WORDS
        for one in tuple(self._open):
            one.stop()
        while self._open and time.monotonic() < until:
            self._look()
            await asyncio.sleep(0.02)


class Full(asyncio.Protocol):
    """Hangs up."""

    def connection_made(self, transport: Any) -> None:
        """Not now."""
        transport.abort()


def run(desk: Desk, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT. Raises SettingError when the port is taken."""
    try:
        uvloop.run(_until_told(desk, host, port))
    except OSError as taken:
        raise SettingError(f"nothing can be served at {host}:{port}: {taken.strerror}") from None


async def _until_told(desk: Desk, host: str, port: int) -> None:
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    await Server(desk).serve(host, port, over)
