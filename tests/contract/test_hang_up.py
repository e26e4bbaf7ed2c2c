"""The ingest endpoint can close a connection without an answer.

It reaches into uvicorn for that, so these tests check every upgrade of it.
"""

import asyncio

import pytest

from app.core.errors import ServiceUnavailable
from tests.support.builders import envelopes
from tests.support.builders.wire import EVENT_ID
from tests.support.servers.server import exchange, running


@pytest.fixture
async def server(database_url, tmp_path):
    """Run a server of the test's own."""
    async with running(database_url, tmp_path) as started:
        yield started


def make_request(server, body: bytes) -> bytes:
    """Make a whole HTTP request that keeps its connection."""
    head = (
        f"POST {server.ingest_path()} HTTP/1.1\r\nHost: a\r\n"
        f"X-Sentry-Auth: {envelopes.auth_header(server.app.key)}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@pytest.mark.parametrize("error", [ServiceUnavailable("the disk is full"), RuntimeError("a bug")])
async def test_a_failure_closes_the_connection_without_an_answer(server, monkeypatch, error):
    """No status line is sent after any error, and the server goes on."""

    def fail(*_args, **_fields):
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(server.service.ingest.journal, "append", fail)
        assert (
            await exchange(server.base_url, make_request(server, envelopes.event_envelope())) == b""
        )
    await server.take(envelopes.event_envelope())
    assert await server.outcomes() == {("event", "kept", ""): 1}


async def test_requests_pipelined_after_a_failure_get_no_answer(server, monkeypatch):
    """A request pipelined after the failed envelope is not answered in its place."""

    def fail(*_args, **_fields):
        raise ServiceUnavailable("the disk is full")

    monkeypatch.setattr(server.service.ingest.journal, "append", fail)
    requests = (
        make_request(server, envelopes.event_envelope())
        + b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"
    )
    assert await exchange(server.base_url, requests) == b""


async def test_a_sender_that_disconnects_early_leaves_nothing(server):
    """A connection that ends before its body does leaves nothing behind."""
    _, writer = await asyncio.open_connection(*server.base_url.removeprefix("http://").split(":"))
    writer.write(make_request(server, envelopes.event_envelope())[:-10])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    answer = await server.post(envelopes.event_envelope())
    assert answer.json() == {"id": EVENT_ID}
    await server.settled()
    assert await server.outcomes() == {("event", "kept", ""): 1}


async def test_a_request_that_outlives_the_server_gets_no_answer(server, monkeypatch):
    """A request that uvicorn cancels at shutdown gets no status line."""
    is_waiting = asyncio.Event()

    async def wait(*_args, **_fields):
        is_waiting.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(server.service.ingest.admission.keys, "settle", wait)
    monkeypatch.setattr(server.service.ingest.admission.keys, "_records", {})
    answer = asyncio.create_task(
        exchange(server.base_url, make_request(server, envelopes.event_envelope()))
    )
    await is_waiting.wait()
    for task in asyncio.all_tasks():
        if "_run_until_failure" in repr(task.get_coro()):
            task.cancel()
    assert await answer == b""
