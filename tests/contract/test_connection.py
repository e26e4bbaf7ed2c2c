"""Slow senders are hung up on, whole requests are not.

Patience reaches into uvicorn's protocol, so every upgrade is tested here.
"""

import asyncio

import pytest

from app.api.connection import Connection
from tests.support import envelopes
from tests.support.server import exchange, running
from tests.support.waiting import until


@pytest.fixture
async def hurried(database_url, tmp_path, monkeypatch):
    """A server that looks at the clock all the time."""
    monkeypatch.setattr(Connection, "look_s", 0.01)
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
    monkeypatch.setattr(Connection, "header_s", 0.05)
    assert await exchange(hurried.base_url, begun) == b""


async def test_a_body_that_stops_is_not_waited_for(hurried, monkeypatch):
    """No status line, so that the phone keeps the envelope; nothing of it is kept or counted."""
    monkeypatch.setattr(Connection, "silence_s", 0.05)
    body = envelopes.event_envelope()
    assert await exchange(hurried.base_url, head(hurried, len(body)) + body[:-1]) == b""
    await hurried.take(body)
    assert await hurried.outcomes() == {("event", "kept", ""): 1}
    await until(lambda: hurried.service.door.reading_bytes == 0)


async def test_a_body_that_trickles_ends_some_time(hurried, monkeypatch):
    """A byte now and then keeps silence away, but not the end of the whole request."""
    monkeypatch.setattr(Connection, "request_s", 0.2)
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
    reason = Connection._reason

    def counted(self):
        nonlocal looks
        looks += 1
        return reason(self)

    monkeypatch.setattr(Connection, "_reason", counted)
    assert (await hurried.sender.get("/health/live")).status_code == 200
    for name in ("header_s", "silence_s", "request_s"):
        monkeypatch.setattr(Connection, name, -1.0)
    seen = looks
    await until(lambda: looks > seen + 3)
    for name in ("header_s", "silence_s", "request_s"):
        monkeypatch.setattr(Connection, name, 30.0)
    assert (await hurried.sender.get("/health/live")).status_code == 200
    pool = hurried.sender._transport._pool
    assert len(pool.connections) == 1


async def test_an_idle_connection_is_closed(hurried, monkeypatch):
    """Some time after its last answer, without a byte more."""
    always = property(lambda _self: 0.05, lambda _self, _value: None)
    monkeypatch.setattr(Connection, "timeout_keep_alive", always, raising=False)
    answer = await exchange(hurried.base_url, b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1") == 1
