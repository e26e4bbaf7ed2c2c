"""A proxy in front of an S3 server that breaks requests and answers, as networks and servers do.

    async with in_front_of(service) as proxy:
        proxy.spoil(Fault("reset in PUT", methods={"PUT"}, request_bytes=1_000))
        ...
        proxy.mend()

It takes a request whole, passes it on over a connection of its own, and spoils one of the ways.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import override
from urllib.parse import urlsplit

from app.storage.bucket import BucketAccess
from tests.support.servers.s3 import Service

_TRICKLE_S = 0.1
EVERYTHING = frozenset({"GET", "PUT", "DELETE", "HEAD", "POST"})


@dataclass(frozen=True)
class Fault:
    """One way to fail; without any detail nothing is ever answered, as by a frozen machine."""

    name: str
    methods: frozenset[str] = EVERYTHING
    refusal: tuple[int, str] | None = None
    """A status and the code in its body, answered without asking the server."""
    request_bytes: int | None = None
    """Bytes of the body that are passed on before both connections are cut."""
    answer_bytes: int | None = None
    """Bytes of the answer that are passed back before the connection is cut; 0 loses it whole."""
    etag: bytes | None = None
    bytes_per_s: int | None = None

    @override
    def __str__(self) -> str:
        return self.name


class FaultProxy:
    """Where it listens, what it spoils, and how often it has."""

    def __init__(self, service: Service) -> None:
        self._upstream = urlsplit(service.access.endpoint_url or "")
        self._access = service.access
        self._mended = asyncio.Event()
        self._fault: Fault | None = None
        self.port = 0
        self.hits = 0

    @property
    def access(self) -> BucketAccess:
        """The way to the server through this proxy."""
        return replace(self._access, endpoint_url=f"http://127.0.0.1:{self.port}")

    def spoil(self, fault: Fault) -> None:
        """Break everything from now on."""
        self._fault, self.hits = fault, 0
        self._mended.clear()

    def mend(self) -> None:
        """Break nothing any more, and let go of who is held."""
        self._fault = None
        self._mended.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on the requests of one connection."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await self._pass_on(reader, writer):
                pass
        writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; False if the connection is to end."""
        head = await reader.readuntil(b"\r\n\r\n")
        if _header(head, b"expect"):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(int(_header(head, b"content-length") or 0))
        method = head.partition(b" ")[0].decode()
        fault = self._fault
        if fault is None or method not in fault.methods:
            writer.write(await self._ask(head, body))
            await writer.drain()
            return False
        self.hits += 1
        await self._break(fault, head, body, writer)
        return False

    async def _break(
        self, fault: Fault, head: bytes, body: bytes, writer: asyncio.StreamWriter
    ) -> None:
        if fault.refusal is not None:
            writer.write(_refusal(*fault.refusal))
        elif fault.request_bytes is not None:
            await self._ask(head, body[: fault.request_bytes], is_whole=False)
        elif fault.answer_bytes is not None:
            writer.write((await self._ask(head, body))[: fault.answer_bytes])
        elif fault.etag is not None:
            answer = await self._ask(head, body)
            writer.write(re.sub(rb'(?im)^(etag: ")[0-9a-f]+', rb"\g<1>" + fault.etag, answer))
        elif fault.bytes_per_s is not None:
            await self._trickle(fault.bytes_per_s, await self._ask(head, body), writer)
        else:
            await self._mended.wait()
        await writer.drain()

    async def _trickle(self, bytes_per_s: int, answer: bytes, writer: asyncio.StreamWriter) -> None:
        # The head comes at once: only the body's own slowness is what nobody's timeout sees.
        at = answer.index(b"\r\n\r\n") + 4
        writer.write(answer[:at])
        step = max(1, round(bytes_per_s * _TRICKLE_S))
        for start in range(at, len(answer), step):
            if self._mended.is_set():
                return
            writer.write(answer[start : start + step])
            await writer.drain()
            await asyncio.sleep(_TRICKLE_S)

    async def _ask(self, head: bytes, body: bytes, *, is_whole: bool = True) -> bytes:
        """Return the server's whole answer, or nothing if the request is cut short."""
        reader, writer = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
        try:
            kept = re.sub(rb"(?im)^(connection|expect):.*\r\n", b"", head)
            writer.write(kept[:-2] + b"Connection: close\r\n\r\n" + body)
            await writer.drain()
            return await reader.read() if is_whole else b""
        finally:
            writer.close()


@asynccontextmanager
async def in_front_of(service: Service) -> AsyncIterator[FaultProxy]:
    """Listen in front of a server until the end of the block."""
    proxy = FaultProxy(service)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=1024 * 1024)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        proxy.mend()
        server.close()
        await server.wait_closed()


def _header(head: bytes, name: bytes) -> bytes:
    match = re.search(rb"(?im)^" + name + rb": *(.*)\r$", head)
    return match[1] if match else b""


def _refusal(status: int, code: str) -> bytes:
    body = f"<Error><Code>{code}</Code><Message>told by the proxy</Message></Error>".encode()
    head = f"HTTP/1.1 {status} No\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
