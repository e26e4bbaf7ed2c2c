"""HTTP by hand: a connection that writes any bytes and reads one answer after another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.support.builders import envelopes
from tests.support.servers.server import Server
from tests.support.waiting import PATIENCE_S

OPTIONS = b"OPTIONS /api/1/envelope/ HTTP/1.1\r\nHost: a\r\n\r\n"
"""A request to an ingest endpoint that is answered at once."""
LIVE = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"
"""A request to the pages."""


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """One answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


class RawConnection:
    """One connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        """Write bytes, whatever they are."""
        self.writer.write(data)

    async def send_for_ever(self, data: bytes) -> None:
        """Write the same bytes again and again.

        Raises:
            ConnectionError: The server is not there any more.
        """
        while True:
            self.send(data)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def answer(self, *, has_body: bool = True) -> RawAnswer:
        """Read one answer."""
        async with asyncio.timeout(PATIENCE_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")[:-2]
            headers = {
                name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
            }
            length = int(headers.get("content-length", 0)) if has_body else 0
            body = await self.reader.readexactly(length)
        return RawAnswer(int(first.split()[1]), headers, body)

    async def read_to_end(self) -> bytes:
        """Read until the server closes; a connection that was reset has no rest."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self.reader.read()
        except ConnectionResetError:
            return b""

    async def __aenter__(self) -> Self:
        """Use it."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.writer.close()


@asynccontextmanager
async def open_raw_connection(server: Server, **options: Any) -> AsyncIterator[RawConnection]:
    """Open a connection."""
    host, _, port = server.base_url.removeprefix("http://").rpartition(":")
    async with RawConnection(*await asyncio.open_connection(host, int(port), **options)) as wire:
        yield wire


def post(server: Server, body: bytes, *lines: str, version: str = "1.1") -> bytes:
    """Return a whole request with an envelope."""
    length = f"Content-Length: {len(body)}"
    return head(server, length, *lines, version=version) + body


def head(server: Server, *lines: str, version: str = "1.1", path: str | None = None) -> bytes:
    """Return the head of a request to the ingest endpoint of a project."""
    auth = f"X-Sentry-Auth: {envelopes.auth_header(server.app.key)}"
    first = f"POST {path or server.ingest_path()} HTTP/{version}"
    return "\r\n".join([first, "Host: a", auth, *lines, "", ""]).encode()


def chunk_body(*pieces: bytes) -> bytes:
    """Return a body in chunks, the end included."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))
