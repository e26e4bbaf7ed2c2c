"""Heads, trailers, framing and pipelines have limits, at the ingest endpoints and at the pages."""

import asyncio
import gc
import json
import weakref
from collections.abc import Iterator

import pytest

from app.api import bounded_protocol
from app.api.connection import HttpConnection
from app.core.limits import LIMITS
from tests.support.builders import envelopes
from tests.support.builders.wire import EVENT_ID
from tests.support.raw_http import LIVE, OPTIONS, chunk_body, head, open_raw_connection, post
from tests.support.servers.server import Server
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

BODY = envelopes.event_envelope()


def request(server: Server, place: str, *lines: str) -> bytes:
    """Return a whole request to an ingest endpoint or to a page, with more header lines."""
    if place == "ingest":
        return post(server, BODY, *lines)
    return b"".join([LIVE[:-2], *(f"{line}\r\n".encode() for line in lines), b"\r\n"])


def padded_request(server: Server, place: str, head_bytes: int) -> bytes:
    """Return a request whose head has exactly this many bytes."""
    bare_bytes = request(server, place, "X-Padding: ").index(b"\r\n\r\n") + len(b"\r\n\r\n")
    return request(server, place, "X-Padding: " + "x" * (head_bytes - bare_bytes))


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[weakref.ref[HttpConnection]]]:
    """Record weak references to new connections, while the garbage collector is off."""
    recorded: list[weakref.ref[HttpConnection]] = []
    original = HttpConnection.connection_made

    def record_connection(self: HttpConnection, transport: asyncio.Transport) -> None:
        recorded.append(weakref.ref(self))
        original(self, transport)

    monkeypatch.setattr(HttpConnection, "connection_made", record_connection)
    gc.disable()
    yield recorded
    gc.enable()


@pytest.mark.parametrize("place", ["ingest", "page"])
@pytest.mark.parametrize(("over_bytes", "status"), [(0, 200), (1, 431)])
async def test_a_head_has_a_limit_in_bytes(tenant, place, over_bytes, status):
    """A head at the limit is read; one byte more gets 431, and the connection ends."""
    async with open_raw_connection(tenant) as wire:
        wire.send(padded_request(tenant, place, LIMITS.head_bytes + over_bytes))
        answer = await wire.answer()
        assert answer.status == status
        assert (answer.headers.get("connection") == "close") is bool(over_bytes)
        if over_bytes:
            assert await wire.read_to_end() == b""


@pytest.mark.parametrize("place", ["ingest", "page"])
@pytest.mark.parametrize(("over", "status"), [(0, 200), (1, 431)])
async def test_a_head_has_a_limit_in_lines(tenant, place, over, status):
    """A line takes twenty times its bytes of memory, so the number of lines is limited too."""
    usual_lines = request(tenant, place).split(b"\r\n\r\n")[0].count(b"\r\n")
    lines = ["a:"] * (LIMITS.head_lines - usual_lines + over)
    async with open_raw_connection(tenant) as wire:
        wire.send(request(tenant, place, *lines))
        assert (await wire.answer()).status == status


async def test_a_few_trailers_are_dropped(tenant):
    """Trailers are not unusual, and the next request on the connection is read."""
    request_bytes = (
        head(tenant, "Transfer-Encoding: chunked")
        + chunk_body(BODY)[:-2]
        + b"A: b\r\nHost: c\r\n\r\n"
    )
    async with open_raw_connection(tenant) as wire:
        for _ in range(2):
            wire.send(request_bytes)
            answer = await wire.answer()
            assert (answer.status, json.loads(answer.body)) == (200, {"id": EVENT_ID})


@pytest.mark.parametrize("filling", [b"a:\r\n", b"a" * 64])
@pytest.mark.parametrize("start", [b"0\r\n", b"1;"])
@pytest.mark.parametrize("path", [None, "/sign-in"])
async def test_trailers_and_framing_have_a_limit(tenant, path, start, filling):
    """The limit holds for many lines and for one, behind the last chunk and before it."""
    async with open_raw_connection(tenant) as wire:
        wire.send(head(tenant, "Transfer-Encoding: chunked", path=path) + start)
        wire.send(filling * (4 * LIMITS.head_bytes // len(filling)))
        assert (await wire.read_to_end()).startswith(b"HTTP/1.1 4")
    assert tenant.service.endpoint.reading_bytes == 0


async def test_chunks_of_all_sizes_are_put_together(tenant):
    """Small chunks are collected and large ones stay as they came; their order is kept."""
    text = "".join(chr(33 + number % 90) for number in range(9_000))
    body = envelopes.event_envelope(message=text)
    sizes, at = (1, 2, 700, 3, 3, 2_000, 1, 900, 1), 0
    pieces: list[bytes] = []
    while at < len(body):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(body[at : at + size])
        at += size
    async with open_raw_connection(tenant) as wire:
        wire.send(head(tenant, "Transfer-Encoding: chunked") + chunk_body(*pieces))
        assert (await wire.answer()).status == 200
    await tenant.settled()
    assert await tenant.outcomes() == {("event", "kept", ""): 1}


@pytest.mark.parametrize(
    ("version", "hosts", "status"),
    [("1.1", 0, 400), ("1.1", 1, 200), ("1.1", 2, 400), ("1.0", 0, 200), ("1.0", 2, 400)],
)
@pytest.mark.parametrize("place", ["ingest", "page"])
async def test_a_request_has_one_host(tenant, place, version, hosts, status):
    """No host in HTTP/1.1, or two in any version, is a bad request (RFC 9112, 3.2)."""
    request_bytes = request(tenant, place).replace(b"Host: a\r\n", b"Host: a\r\n" * hosts, 1)
    async with open_raw_connection(tenant) as wire:
        wire.send(request_bytes.replace(b"HTTP/1.1", f"HTTP/{version}".encode(), 1))
        assert (await wire.answer()).status == status


async def test_bytes_behind_the_last_request_are_dropped(tenant):
    """Nothing is read after `Connection: close`, on later connections neither."""
    for _ in range(3):
        async with open_raw_connection(tenant) as wire:
            wire.send(
                post(tenant, BODY, "Connection: close") + b"no http\r\n\r\n" + post(tenant, BODY)
            )
            answer = await wire.answer()
            assert (answer.status, json.loads(answer.body)) == (200, {"id": EVENT_ID})
            assert await wire.read_to_end() == b""


async def test_waiting_requests_count_as_memory(tenant, monkeypatch):
    """A connection with endless pipelined requests is closed before they fill the memory."""
    monkeypatch.setattr(
        tenant.service.endpoint, "most_reading_bytes", 10 * bounded_protocol._WAITING_REQUEST_BYTES
    )
    async with open_raw_connection(tenant) as wire:
        # The key has to be asked for, so that everything behind this request waits.
        monkeypatch.setattr(tenant.service.ingest.admission.keys, "_records", {})
        wire.send(post(tenant, BODY) + OPTIONS * 200)
        assert await wire.read_to_end() == b""
    assert tenant.service.endpoint.reading_bytes == 0


async def test_unfinished_heads_count_as_memory(tenant, monkeypatch):
    """Connections with half a head each are closed before they fill the memory."""
    await until(lambda: tenant.service.endpoint.reading_bytes == 0)
    async with open_raw_connection(tenant) as first, open_raw_connection(tenant) as second:
        first.send(padded_request(tenant, "page", 50_000)[:40_000])
        await until(lambda: tenant.service.endpoint.reading_bytes == 40_000)
        monkeypatch.setattr(tenant.service.endpoint, "most_reading_bytes", 79_999)
        second.send(padded_request(tenant, "page", 50_000)[:40_000])
        assert await second.read_to_end() == b""
        assert tenant.service.endpoint.reading_bytes == 40_000
        first.send(padded_request(tenant, "page", 50_000)[40_000:])
        assert (await first.answer()).status == 200
        assert tenant.service.endpoint.reading_bytes == 0


@pytest.mark.parametrize("kind", ["head", "body", "answered", "page", "page body", "pipeline"])
async def test_a_closed_connection_is_freed_at_once(tenant, connections, kind):
    """No reference cycle waits for the garbage collector, which rarely looks at old objects."""
    request_bytes = {
        "head": padded_request(tenant, "page", 50_000)[:-9],
        "body": post(tenant, BODY)[:-9],
        "answered": post(tenant, BODY),
        "page": LIVE,
        "page body": head(tenant, "Content-Length: 99", path="/sign-in") + b"x",
        "pipeline": post(tenant, BODY) + LIVE + OPTIONS,
    }[kind]
    async with open_raw_connection(tenant) as wire:
        wire.send(request_bytes)
        for _ in range({"answered": 1, "page": 1, "pipeline": 3}.get(kind, 0)):
            assert (await wire.answer()).status == 200
        await until(lambda: bool(connections))
    await until(lambda: connections[0]() is None)


@pytest.mark.parametrize("path", ["/api/1/envelope/", "/csp-report"])
async def test_a_request_that_breaks_in_its_body_is_answered_once(
    tenant, connections, monkeypatch, caplog, path
):
    """Neither the lookup of its key nor its page writes anything behind the 400."""
    monkeypatch.setattr(tenant.service.ingest.admission.keys, "_records", {})
    first = f"POST {path}?sentry_key={'f' * 32} HTTP/1.1\r\nHost: a\r\n"
    async with open_raw_connection(tenant) as wire:
        wire.send(f"{first}Transfer-Encoding: chunked\r\n\r\nno chunk\r\n".encode())
        assert (await wire.answer()).status == 400
        assert await wire.read_to_end() == b""
        connection = connections[0]()
        assert connection is not None
        await until(lambda: not connection.tasks)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_form_that_is_cut_logs_no_error(tenant, connections, caplog):
    """A sender that leaves in the middle of a body causes no traceback."""
    async with open_raw_connection(tenant) as wire:
        wire.send(b"POST /csp-report HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{")
        await until(lambda: bool(connections) and bool(connections[0]().tasks))
    await until(lambda: connections[0]() is None)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
