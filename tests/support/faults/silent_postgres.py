"""A proxy between a server and Postgres that falls silent, as a host does that is frozen.

Connections stay open, and new ones are accepted, but nothing is passed on in either direction.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

_SOCKET: Final = ".s.PGSQL.5432"
_CHUNK_BYTES: Final = 256 * 1024


class SilentPostgres:
    """A proxy on a Unix socket; `fall_silent` and `speak` change what it does."""

    def __init__(self, upstream: Path) -> None:
        self._upstream = upstream
        self._may_pass = asyncio.Event()
        self._may_pass.set()
        self._tasks: set[asyncio.Task[None]] = set()

    def fall_silent(self) -> None:
        """Pass nothing on from now on."""
        self._may_pass.clear()

    def speak(self) -> None:
        """Pass on what has come meanwhile, and all that comes."""
        self._may_pass.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either end closes it."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        back_reader, back_writer = await asyncio.open_unix_connection(str(self._upstream))
        directions = [
            asyncio.create_task(self._carry(reader, back_writer)),
            asyncio.create_task(self._carry(back_reader, writer)),
        ]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            for stream in (writer, back_writer):
                stream.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(_CHUNK_BYTES):
                await self._may_pass.wait()
                writer.write(data)
                await writer.drain()

    async def close(self) -> None:
        """Drop every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def in_front_of(url: str, folder: Path) -> AsyncIterator[tuple[SilentPostgres, str]]:
    """Listen in `folder` for a Postgres that `url` names by its socket; gives the URL to use."""
    host = parse_qs(urlsplit(url).query)["host"][0]
    proxy = SilentPostgres(Path(host, _SOCKET))
    listening = await asyncio.start_unix_server(proxy.serve, str(folder / _SOCKET))
    try:
        yield proxy, url.replace(quote(host), quote(str(folder)))
    finally:
        listening.close()
        await proxy.close()
