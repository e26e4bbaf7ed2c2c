"""Hand-written requests to the ingest endpoints: forms of head and body, and their limits."""

import asyncio
import json
import socket
from contextlib import AsyncExitStack

import pytest

from app.api.connection import HttpConnection
from app.core.limits import LIMITS
from app.ingest.admission import senders
from tests.support.builders import envelopes
from tests.support.builders.wire import EVENT_ID
from tests.support.raw_http import LIVE, OPTIONS, chunk_body, head, open_raw_connection, post
from tests.support.servers.server import running
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

BODY = envelopes.event_envelope()


async def test_a_sender_that_expects_100_continue_gets_it(tenant):
    """`100 Continue` comes before the body, and the answer after it."""
    async with open_raw_connection(tenant) as wire:
        wire.send(head(tenant, f"Content-Length: {len(BODY)}", "Expect: 100-continue"))
        assert (await wire.answer(has_body=False)).status == 100
        wire.send(BODY)
        assert (await wire.answer()).status == 200
        wire.send(post(tenant, BODY, "Expect: 100-continue"))
        answer = await wire.answer(has_body=False)
        answer = await wire.answer() if answer.status == 100 else answer
        assert answer.status == 200


async def test_a_stranger_that_expects_100_continue_is_refused_at_once(tenant):
    """A body that is sent all the same is dropped, and the connection stays open."""
    async with open_raw_connection(tenant) as wire:
        stranger = head(tenant, "Content-Length: 3", "Expect: 100-continue", path="/api/0/envelope")
        wire.send(stranger)
        assert (await wire.answer()).status == 403
        wire.send(b"abc" + post(tenant, BODY))
        assert (await wire.answer()).status == 200


@pytest.mark.parametrize(
    "pieces", [(BODY,), tuple(BODY[at : at + 7] for at in range(0, len(BODY), 7))]
)
async def test_chunks_are_put_together(tenant, pieces):
    """A body without a length may come in one chunk or in many."""
    async with open_raw_connection(tenant) as wire:
        wire.send(head(tenant, "Transfer-Encoding: chunked") + chunk_body(*pieces))
        answer = await wire.answer()
    assert (answer.status, json.loads(answer.body)) == (200, {"id": EVENT_ID})


async def test_a_request_may_come_byte_by_byte(tenant):
    """The network may cut a request anywhere."""
    request = post(tenant, envelopes.envelope({"event_id": EVENT_ID}))
    async with open_raw_connection(tenant) as wire:
        wire.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(request)):
            wire.send(request[at : at + 1])
            await wire.writer.drain()
            await asyncio.sleep(0)
        assert (await wire.answer()).status == 200


@pytest.mark.parametrize(("over", "status"), [(0, 200), (1, 413)])
@pytest.mark.parametrize("has_length", [True, False])
async def test_a_body_has_a_limit_announced_or_not(tenant, monkeypatch, over, status, has_length):
    """One byte more gets 413; the rest is not read, and the connection ends."""
    dsn = f"https://{tenant.app.key}@example.com/{tenant.app.id}"
    body = envelopes.envelope({"event_id": EVENT_ID, "dsn": dsn})
    monkeypatch.setattr(senders, "_UNNAMED_BYTES", len(body) - over)
    first = f"POST {tenant.ingest_path()} HTTP/1.1\r\nHost: a\r\n"
    length = f"Content-Length: {len(body)}\r\n\r\n"
    async with open_raw_connection(tenant) as wire:
        if has_length:
            wire.send((first + length).encode() + body)
        else:
            wire.send(f"{first}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk_body(body))
        answer = await wire.answer()
        assert answer.status == status
        assert (answer.headers.get("connection") == "close") is bool(over)
        if over:
            assert await wire.read_to_end() == b""
    assert tenant.service.endpoint.reading_bytes == 0


async def test_an_answer_before_the_end_of_a_body_reaches_its_sender(tenant):
    """The rest of the body is read and dropped, since closing earlier would lose the answer."""
    async with open_raw_connection(tenant) as wire:
        wire.send(head(tenant, f"Content-Length: {LIMITS.body_bytes + 1}"))
        for _ in range(64):
            wire.send(bytes(1024 * 1024))
            await wire.writer.drain()
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert await wire.read_to_end() == b""


async def test_the_rest_of_a_refused_body_is_read_only_for_a_moment(tenant, monkeypatch):
    """A sender that goes on after the last answer is cut off."""
    monkeypatch.setattr(HttpConnection, "linger_s", 0.05)
    async with open_raw_connection(tenant) as wire:
        wire.send(head(tenant, f"Content-Length: {LIMITS.body_bytes + 1}"))
        assert (await wire.answer()).status == 413
        with pytest.raises(ConnectionError):
            await wire.send_for_ever(b"{")


async def test_bodies_in_memory_are_limited(tenant, monkeypatch):
    """A server with too much in memory closes the connection, and the sender tries again."""
    await until(lambda: tenant.service.endpoint.reading_bytes == 0)
    monkeypatch.setattr(tenant.service.endpoint, "most_reading_bytes", len(BODY) - 1)
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY))
        assert await wire.read_to_end() == b""
    assert tenant.service.endpoint.reading_bytes == 0
    monkeypatch.setattr(tenant.service.endpoint, "most_reading_bytes", len(BODY))
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY))
        assert (await wire.answer()).status == 200
    assert tenant.service.endpoint.reading_bytes == 0


async def test_a_java_client_that_asks_for_http_2_is_answered(tenant):
    """Java's client asks with every first request, and gets its answer in HTTP/1.1."""
    asks = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIA")
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY, *asks))
        assert (await wire.answer()).status == 200


async def test_an_upgrade_to_another_protocol_is_ignored(tenant):
    """Pages ignore the question too, and the next request is read."""
    asks = b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    async with open_raw_connection(tenant) as wire:
        wire.send(LIVE[:-2] + asks + post(tenant, BODY))
        assert "access-control-allow-origin" not in (await wire.answer()).headers
        assert json.loads((await wire.answer()).body) == {"id": EVENT_ID}


@pytest.mark.parametrize("path", ["/%61pi/{id}/envelope/", "http://a/api/{id}/envelope/?a=b"])
async def test_unusual_urls_are_read(tenant, path):
    """A URL may have needless percent signs, or be absolute, as proxies get it."""
    async with open_raw_connection(tenant) as wire:
        path = path.format(id=tenant.app.id)
        wire.send(head(tenant, f"Content-Length: {len(BODY)}", path=path) + BODY)
        assert (await wire.answer()).status == 200


async def test_head_gets_the_length_and_no_body(tenant):
    """The next answer on the connection is not taken for a body."""
    async with open_raw_connection(tenant) as wire:
        wire.send(b"HEAD /api/1/envelope/ HTTP/1.1\r\nHost: a\r\n\r\n" + OPTIONS)
        answer = await wire.answer(has_body=False)
        assert (answer.status, int(answer.headers["content-length"]) > 0) == (405, True)
        assert (await wire.answer()).status == 200


async def test_a_key_that_is_not_in_memory_is_read_from_the_database(tenant, monkeypatch):
    """The body of the request may arrive during the lookup of its key or after it."""
    keys = tenant.service.ingest.admission.keys
    for is_slow in (False, True):
        monkeypatch.setattr(keys, "_records", {})
        async with open_raw_connection(tenant) as wire:
            request = post(tenant, BODY)
            wire.send(request[:-10] if is_slow else request)
            await until(lambda: bool(keys._records))
            wire.send(request[-10:] if is_slow else b"")
            assert (await wire.answer()).status == 200


async def test_large_bodies_of_strangers_leave_nothing_in_memory(tenant):
    """Two large bodies fit into memory at once; one that is refused makes room for the next."""
    header = {"event_id": EVENT_ID, "dsn": f"https://{'e' * 32}@example.com/{tenant.app.id}"}
    body = envelopes.envelope(header, envelopes.item("profile", bytes(2 * 1024 * 1024)))
    stranger = (
        f"POST {tenant.ingest_path()} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    async with open_raw_connection(tenant) as wire:
        for _ in range(3):
            wire.send(stranger.encode() + body)
            assert (await wire.answer()).status == 403
        large = envelopes.event_envelope(more_items=[envelopes.item("profile", bytes(2_000_000))])
        wire.send(post(tenant, large))
        assert (await wire.answer()).status == 200
    assert tenant.service.endpoint.reading_bytes == 0


async def test_a_bad_envelope_does_not_affect_those_that_arrive_with_it(tenant):
    """Envelopes that arrive together pass the stages together, each with its own result."""
    bodies = [BODY, b"no json", b"", BODY + b"{", envelopes.envelope({"event_id": "b" * 32})]
    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(open_raw_connection(tenant)) for _ in bodies]
        for wire, body in zip(wires, bodies, strict=True):
            wire.send(post(tenant, body))
        statuses = [(await wire.answer()).status for wire in wires]
    assert statuses == [200, 400, 400, 200, 200]


async def test_an_answer_waits_for_room_in_memory(tenant, monkeypatch):
    """After a moment the envelope is on disk, and is answered."""
    queue = tenant.service.ingest.queue
    waits = 0
    wait_for_room = queue.wait_for_room

    async def count_wait() -> None:
        nonlocal waits
        waits += 1
        await wait_for_room()

    monkeypatch.setattr(queue, "wait_for_room", count_wait)
    queue._has_room.clear()
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY))
        assert (await wire.answer()).status == 200
    assert waits == 1


@pytest.mark.parametrize(
    "case",
    [
        ("", "203.0.113.9", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.7, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1,203.0.113.0/24", "198.51.100.7, 203.0.113.9", "198.51.100.7"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("192.0.2.1", "203.0.113.9", "127.0.0.1"),
        ("*", "203.0.113.9", "203.0.113.9"),
    ],
)
async def test_a_trusted_proxy_names_the_address_of_the_sender(
    database_url, tmp_path, monkeypatch, case
):
    """Other senders are not believed, and of a chain of proxies only the trusted part is."""
    proxies, forwarded, client = case
    async with running(database_url, tmp_path, trusted_proxies=proxies) as server:
        journal = server.service.ingest.journal
        append = journal.append
        addresses: list[str] = []

        def record_address(*, client_ip, **facts):
            addresses.append(client_ip)
            return append(client_ip=client_ip, **facts)

        monkeypatch.setattr(journal, "append", record_address)
        async with open_raw_connection(server) as wire:
            lines = [] if forwarded is None else [f"X-Forwarded-For: {forwarded}"]
            wire.send(post(server, BODY, *lines))
            assert (await wire.answer()).status == 200
    assert addresses == [client]
