"""A pooler in front of Postgres that keeps server connections open when their clients leave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

_SOCKET: Final = ".s.PGSQL.5432"
_CHUNK_BYTES: Final = 256 * 1024
_TERMINATE: Final = b"X\0\0\0\x04"


class Pooler:
    """Carries bytes both ways, except the word that a client leaves."""

    def __init__(self, upstream: Path) -> None:
        self._upstream = upstream
        self.kept: list[asyncio.StreamWriter] = []
        """Connections to the server whose clients have left."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one client's connection."""
        back_reader, back_writer = await asyncio.open_unix_connection(str(self._upstream))
        answers = asyncio.create_task(_carry(back_reader, writer))
        try:
            await _carry(reader, back_writer)
        finally:
            self.kept.append(back_writer)
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            writer.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(_CHUNK_BYTES):
            writer.write(data.removesuffix(_TERMINATE))
            await writer.drain()
            if data.endswith(_TERMINATE):
                return


@asynccontextmanager
async def in_front_of(url: str, folder: Path) -> AsyncIterator[tuple[Pooler, str]]:
    """Listen in `folder` for a Postgres that `url` names by its socket; gives the URL to use."""
    host = parse_qs(urlsplit(url).query)["host"][0]
    pooler = Pooler(Path(host, _SOCKET))
    listening = await asyncio.start_unix_server(pooler.serve, str(folder / _SOCKET))
    try:
        yield pooler, url.replace(quote(host), quote(str(folder)))
    finally:
        listening.close()
        for kept in pooler.kept:
            kept.close()
            await kept.wait_closed()
