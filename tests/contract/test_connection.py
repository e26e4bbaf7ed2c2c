"""Slow senders are hung up on, whole requests are not.

Patience reaches into uvicorn's protocol, so every upgrade is tested here.
"""

import asyncio
from typing import Any

import pytest

from app.api.connection import HttpConnection
from tests.support.builders import envelopes
from tests.support.raw_http import open_raw_connection
from tests.support.servers.server import exchange, running
from tests.support.waiting import until


@pytest.fixture
async def hurried(database_url, tmp_path, monkeypatch):
    """A server that looks at the clock all the time."""
    monkeypatch.setattr(HttpConnection, "check_interval_s", 0.01)
    async with running(database_url, tmp_path) as started:
        yield started


def head(server, length: int) -> bytes:
    """Return the head of an envelope's request."""
    return (
        f"POST {server.door()} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        f"X-Sentry-Auth: {envelopes.auth_header(server.app.key)}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


@pytest.mark.parametrize("begun", [b"", b"POST /api/1/enve", b"GET / HTTP/1.1\r\nHost: a\r\n"])
async def test_headers_that_do_not_end_are_not_waited_for(hurried, monkeypatch, begun):
    """Nothing sent, or half a head: the connection ends without a byte."""
    monkeypatch.setattr(HttpConnection, "header_s", 0.05)
    assert await exchange(hurried.base_url, begun) == b""


async def test_a_body_that_stops_is_not_waited_for(hurried, monkeypatch):
    """No status line, so that the phone keeps the envelope; nothing of it is kept or counted."""
    monkeypatch.setattr(HttpConnection, "silence_s", 0.05)
    body = envelopes.event_envelope()
    assert await exchange(hurried.base_url, head(hurried, len(body)) + body[:-1]) == b""
    await hurried.take(body)
    assert await hurried.outcomes() == {("event", "kept", ""): 1}
    await until(lambda: hurried.service.endpoint.reading_bytes == 0)


async def test_a_body_that_trickles_ends_some_time(hurried, monkeypatch):
    """A byte now and then keeps silence away, but not the end of the whole request."""
    monkeypatch.setattr(HttpConnection, "request_s", 0.2)
    host, _, port = hurried.base_url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head(hurried, 1_000_000))
    answer = asyncio.create_task(reader.read())
    async with asyncio.timeout(20):
        while not answer.done():
            writer.write(b"{")
            await asyncio.sleep(0.01)
    assert answer.exception() is not None or answer.result() == b""
    writer.close()


async def test_a_kept_connection_is_not_in_the_middle_of_a_request(hurried, monkeypatch):
    """Between two requests nobody is slow: the second is answered on the same connection."""
    looks = 0
    reason = HttpConnection._find_timeout

    def counted(self):
        nonlocal looks
        looks += 1
        return reason(self)

    monkeypatch.setattr(HttpConnection, "_find_timeout", counted)
    assert (await hurried.sender.get("/health/live")).status_code == 200
    for name in ("header_s", "silence_s", "request_s"):
        monkeypatch.setattr(HttpConnection, name, -1.0)
    seen = looks
    await until(lambda: looks > seen + 3)
    for name in ("header_s", "silence_s", "request_s"):
        monkeypatch.setattr(HttpConnection, name, 30.0)
    assert (await hurried.sender.get("/health/live")).status_code == 200
    pool = hurried.sender._transport._pool
    assert len(pool.connections) == 1


async def test_an_idle_connection_is_closed(hurried, monkeypatch):
    """Some time after its last answer, without a byte more."""
    always = property(lambda _self: 0.05, lambda _self, _value: None)
    monkeypatch.setattr(HttpConnection, "timeout_keep_alive", always, raising=False)
    answer = await exchange(hurried.base_url, b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1") == 1


LARGE = b"x" * 32 * 1024 * 1024
"""Larger than what the system holds between two sockets, so most of it waits in the server."""


class Clock:
    """The event loop of a connection, with a clock that a test sets ahead."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.ahead_s = 0.0
        self.reads = 0

    def time(self) -> float:
        """Return the time, and count the call."""
        self.reads += 1
        return self.loop.time() + self.ahead_s

    def __getattr__(self, name: str) -> Any:
        """Leave everything else to the event loop."""
        return getattr(self.loop, name)

    async def advance(self, connection: HttpConnection, seconds: float) -> None:
        """Set the clock ahead, and wait until the connection has looked at it or is closed."""
        self.ahead_s += seconds
        reads = self.reads
        await until(lambda: self.reads > reads or connection.transport.is_closing())


async def ask_for_large_answer(server, monkeypatch, wire) -> tuple[HttpConnection, Clock]:
    """Ask for an answer whose end waits in the write buffer; return the server's connection."""
    monkeypatch.setattr("app.api.health.generate_latest", lambda _registry: LARGE)
    wire.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    connections = server.service.endpoint.connections._all
    await until(lambda: any(unread_bytes(each) for each in connections))
    (connection,) = [each for each in connections if unread_bytes(each)]
    clock = Clock(connection.loop)
    connection.loop = clock
    await until(connection._is_last_answered)
    return connection, clock


def unread_bytes(connection: HttpConnection) -> int:
    """Return how much of the answers waits in the server."""
    return connection.transport.get_write_buffer_size()


async def test_a_slow_reader_gets_the_whole_answer(hurried, monkeypatch):
    """It reads something within each 20 s, for minutes; after its end the connection is idle."""
    async with open_raw_connection(hurried) as wire:
        connection, clock = await ask_for_large_answer(hurried, monkeypatch, wire)
        received = bytearray()
        rounds = 0
        while unread_bytes(connection):
            before = unread_bytes(connection)
            while unread_bytes(connection) == before:
                received += await wire.reader.read(1024 * 1024)
            rounds += 1
            await clock.advance(connection, 20)
            assert not connection.transport.is_closing()
            assert not unread_bytes(connection) or not connection.is_between_requests()
        assert rounds > 2
        await clock.advance(connection, 40)
        received += await wire.rest()
        assert received.partition(b"\r\n\r\n")[2] == LARGE


async def test_who_reads_nothing_is_hung_up_on(hurried, monkeypatch):
    """The answer does not wait for ever: after 30 s without progress the connection ends."""
    async with open_raw_connection(hurried) as wire:
        connection, clock = await ask_for_large_answer(hurried, monkeypatch, wire)
        assert connection.is_not_reading()
        # The system may take a little more at first, which is progress.
        for _ in range(20):
            await clock.advance(connection, 20)
        assert connection.transport.is_closing()
        assert len(await wire.rest()) < len(LARGE)
