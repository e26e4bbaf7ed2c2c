"""The envelope door can close a connection without an answer.

It reaches into uvicorn for that, so every upgrade is tested here.
"""

import asyncio

import pytest

from app.core.errors import ServiceUnavailable
from tests.support.builders import envelopes
from tests.support.builders.wire import EVENT_ID
from tests.support.servers.server import exchange, running


@pytest.fixture
async def server(database_url, tmp_path):
    """A server of the test's own."""
    async with running(database_url, tmp_path) as started:
        yield started


def request_of(server, body: bytes) -> bytes:
    """Return a whole HTTP request; the connection is to be kept."""
    head = (
        f"POST {server.door()} HTTP/1.1\r\nHost: a\r\n"
        f"X-Sentry-Auth: {envelopes.auth_header(server.app.key)}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@pytest.mark.parametrize("error", [ServiceUnavailable("the disk is full"), RuntimeError("a bug")])
async def test_sender_sees_a_closed_connection_and_no_bytes(server, monkeypatch, error):
    """No status line, whatever went wrong; and the server goes on."""

    def fail(*_args, **_fields):
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(server.service.ingest.journal, "append", fail)
        assert (
            await exchange(server.base_url, request_of(server, envelopes.event_envelope())) == b""
        )
    await server.take(envelopes.event_envelope())
    assert await server.outcomes() == {("event", "kept", ""): 1}


async def test_requests_behind_it_get_no_answer_either(server, monkeypatch):
    """What a sender pipelined after the envelope is not answered in its place."""

    def fail(*_args, **_fields):
        raise ServiceUnavailable("the disk is full")

    monkeypatch.setattr(server.service.ingest.journal, "append", fail)
    both = (
        request_of(server, envelopes.event_envelope())
        + b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"
    )
    assert await exchange(server.base_url, both) == b""


async def test_a_sender_that_leaves_is_no_trouble(server):
    """A connection that ends before its body does leaves nothing behind."""
    _, writer = await asyncio.open_connection(*server.base_url.removeprefix("http://").split(":"))
    writer.write(request_of(server, envelopes.event_envelope())[:-10])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    answer = await server.post(envelopes.event_envelope())
    assert answer.json() == {"id": EVENT_ID}
    await server.settled()
    assert await server.outcomes() == {("event", "kept", ""): 1}


async def test_a_request_that_outlives_the_server_gets_no_answer(server, monkeypatch):
    """At the end of its patience uvicorn cancels what still waits; no status line comes of it."""
    waits = asyncio.Event()

    async def wait(*_args, **_fields):
        waits.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(server.service.ingest.admission.keys, "settle", wait)
    monkeypatch.setattr(server.service.ingest.admission.keys, "_records", {})
    answer = asyncio.create_task(
        exchange(server.base_url, request_of(server, envelopes.event_envelope()))
    )
    await waits.wait()
    for task in asyncio.all_tasks():
        if "_run_until_failure" in repr(task.get_coro()):
            task.cancel()
    assert await answer == b""
