"""Slow senders lose their connection, and whole requests are answered.

The time limits reach into uvicorn's protocol, so these tests check every upgrade of it.
"""

import asyncio
from typing import Any

import pytest

from app.api.connection import HttpConnection
from tests.support.builders import envelopes
from tests.support.raw_http import open_raw_connection
from tests.support.servers.server import exchange, running
from tests.support.waiting import PATIENCE_S, until


@pytest.fixture
async def impatient_server(database_url, tmp_path, monkeypatch):
    """Run a server that checks its time limits all the time."""
    monkeypatch.setattr(HttpConnection, "check_interval_s", 0.01)
    async with running(database_url, tmp_path) as started:
        yield started


def make_head(server, length: int) -> bytes:
    """Make the head of a request with an envelope."""
    return (
        f"POST {server.ingest_path()} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        f"X-Sentry-Auth: {envelopes.auth_header(server.app.key)}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


@pytest.mark.parametrize("begun", [b"", b"POST /api/1/enve", b"GET / HTTP/1.1\r\nHost: a\r\n"])
async def test_an_unfinished_head_ends_the_connection(impatient_server, monkeypatch, begun):
    """A connection that sent nothing or half a head ends without a byte."""
    monkeypatch.setattr(HttpConnection, "header_s", 0.05)
    assert await exchange(impatient_server.base_url, begun) == b""


async def test_a_body_that_stops_ends_the_connection(impatient_server, monkeypatch):
    """No status line is sent, so the phone keeps its envelope; nothing is kept or counted."""
    body = envelopes.event_envelope()
    cut_request = make_head(impatient_server, len(body)) + body[:-1]
    with monkeypatch.context() as impatience:
        impatience.setattr(HttpConnection, "silence_s", 0.05)
        assert await exchange(impatient_server.base_url, cut_request) == b""
    await impatient_server.take(body)
    assert await impatient_server.outcomes() == {("event", "kept", ""): 1}
    await until(lambda: impatient_server.service.endpoint.reading_bytes == 0)


async def test_a_trickling_body_ends_the_connection(impatient_server, monkeypatch):
    """Single bytes avoid the limit of silence, but not that of the whole request."""
    monkeypatch.setattr(HttpConnection, "request_s", 0.2)
    host, _, port = impatient_server.base_url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(make_head(impatient_server, 1_000_000))
    answer = asyncio.create_task(reader.read())
    async with asyncio.timeout(PATIENCE_S):
        while not answer.done():
            writer.write(b"{")
            await asyncio.sleep(0.01)
    assert answer.exception() is not None or answer.result() == b""
    writer.close()


async def test_a_connection_between_requests_is_not_slow(impatient_server, monkeypatch):
    """No limit of a request applies between two of them, so the second is answered."""
    check_count = 0
    find_timeout = HttpConnection._find_timeout

    def count_and_find(self):
        nonlocal check_count
        check_count += 1
        return find_timeout(self)

    monkeypatch.setattr(HttpConnection, "_find_timeout", count_and_find)
    assert (await impatient_server.sender.get("/health/live")).status_code == 200
    for name in ("header_s", "silence_s", "request_s"):
        monkeypatch.setattr(HttpConnection, name, -1.0)
    count_before = check_count
    await until(lambda: check_count > count_before + 3)
    for name in ("header_s", "silence_s", "request_s"):
        monkeypatch.setattr(HttpConnection, name, 30.0)
    assert (await impatient_server.sender.get("/health/live")).status_code == 200
    pool = impatient_server.sender._transport._pool
    assert len(pool.connections) == 1


async def test_an_idle_connection_is_closed(impatient_server, monkeypatch):
    """An idle connection is closed some time after its last answer, without another byte."""
    always = property(lambda _self: 0.05, lambda _self, _value: None)
    monkeypatch.setattr(HttpConnection, "timeout_keep_alive", always, raising=False)
    answer = await exchange(
        impatient_server.base_url, b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1") == 1


LARGE = b"x" * 32 * 1024 * 1024
"""Larger than the buffers between two sockets, so most of it waits in the server."""


class Clock:
    """The event loop of a connection, with a clock that a test moves forward."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.ahead_s = 0.0
        self.reads = 0

    def time(self) -> float:
        """Return the time, and count the call."""
        self.reads += 1
        return self.loop.time() + self.ahead_s

    def __getattr__(self, name: str) -> Any:
        """Take everything else from the event loop."""
        return getattr(self.loop, name)

    async def advance(self, connection: HttpConnection, seconds: float) -> None:
        """Move the clock forward, and wait until the connection has read it or is closed."""
        self.ahead_s += seconds
        reads = self.reads
        await until(lambda: self.reads > reads or connection.transport.is_closing())


async def request_large_answer(server, monkeypatch, wire) -> tuple[HttpConnection, Clock]:
    """Request an answer that fills the write buffer, and return the server's connection."""
    monkeypatch.setattr("app.wiring.service.generate_latest", lambda _registry: LARGE)
    wire.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    connections = server.service.endpoint.connections._all
    await until(lambda: any(count_unread_bytes(candidate) for candidate in connections))
    (connection,) = [candidate for candidate in connections if count_unread_bytes(candidate)]
    clock = Clock(connection.loop)
    connection.loop = clock
    await until(connection._is_last_answered)
    return connection, clock


def count_unread_bytes(connection: HttpConnection) -> int:
    """Return how many bytes of the answers wait in the server."""
    return connection.transport.get_write_buffer_size()


async def test_a_slow_reader_gets_the_whole_answer(impatient_server, monkeypatch):
    """A client that reads something within each 20 s gets the answer, and then is idle."""
    async with open_raw_connection(impatient_server) as wire:
        connection, clock = await request_large_answer(impatient_server, monkeypatch, wire)
        received = bytearray()
        rounds = 0
        while count_unread_bytes(connection):
            bytes_before = count_unread_bytes(connection)
            while count_unread_bytes(connection) == bytes_before:
                received += await wire.reader.read(1024 * 1024)
            rounds += 1
            await clock.advance(connection, 20)
            assert not connection.transport.is_closing()
            assert not count_unread_bytes(connection) or not connection.is_between_requests()
        assert rounds > 2
        await clock.advance(connection, 40)
        received += await wire.read_to_end()
        assert received.partition(b"\r\n\r\n")[2] == LARGE


async def test_a_client_that_reads_nothing_is_hung_up_on(impatient_server, monkeypatch):
    """After 30 s without progress on an answer the connection ends."""
    async with open_raw_connection(impatient_server) as wire:
        connection, clock = await request_large_answer(impatient_server, monkeypatch, wire)
        assert connection.is_not_reading()
        # The buffers of the system may take a little more at first, which counts as progress.
        for _ in range(20):
            await clock.advance(connection, 20)
        assert connection.transport.is_closing()
        assert len(await wire.read_to_end()) < len(LARGE)
