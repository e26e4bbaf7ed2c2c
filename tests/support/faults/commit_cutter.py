"""A proxy between a server and Postgres that cuts connections at the worst moment, during COMMIT.

The commit goes through, its answer does not: the server cannot know whether it happened.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

_SOCKET: Final = ".s.PGSQL.5432"
_CHUNK_BYTES: Final = 256 * 1024
_COMMIT: Final = b"COMMIT;\0"


class CommitCutter:
    """A proxy on a Unix socket; `cuts` counts what it did."""

    def __init__(self, upstream: Path) -> None:
        self._upstream = upstream
        self.is_cutting = False
        self.cuts = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either end, or we, close it."""
        try:
            back_reader, back_writer = await asyncio.open_unix_connection(str(self._upstream))
        except OSError:  # Postgres does not run
            writer.close()
            return
        cut = asyncio.Event()
        directions = [
            asyncio.create_task(self._carry(reader, back_writer, cut)),
            asyncio.create_task(_answer(back_reader, writer, cut)),
        ]
        await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        for direction in directions:
            direction.cancel()
        await asyncio.gather(*directions, return_exceptions=True)
        for stream in (writer, back_writer):
            stream.close()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: asyncio.Event
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(_CHUNK_BYTES):
                if self.is_cutting and data.endswith(_COMMIT):
                    self.cuts += 1
                    cut.set()
                writer.write(data)
                await writer.drain()


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: asyncio.Event
) -> None:
    """Carry answers; the first one after a cut says that it is committed, and ends it."""
    with suppress(ConnectionError):
        while data := await reader.read(_CHUNK_BYTES):
            if cut.is_set():
                return
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def in_front_of(url: str, folder: Path) -> AsyncIterator[tuple[CommitCutter, str]]:
    """Listen in `folder` for a Postgres that `url` names by its socket; gives the URL to use."""
    host = parse_qs(urlsplit(url).query)["host"][0]
    cutter = CommitCutter(Path(host, _SOCKET))
    listening = await asyncio.start_unix_server(cutter.serve, str(folder / _SOCKET))
    try:
        yield cutter, url.replace(quote(host), quote(str(folder)))
    finally:
        listening.close()
