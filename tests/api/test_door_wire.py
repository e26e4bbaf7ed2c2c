"""The ingest doors by hand: what clients and proxies may do on one connection, byte by byte."""

import asyncio
import json
import socket
import struct
from collections.abc import Callable

import pytest

from app.api import exchange
from app.api.connection import Connection
from app.core.errors import Unavailable
from app.core.limits import LIMITS
from app.ingest import accept
from tests.support import envelopes, payloads
from tests.support.raw import chunked, head, post, wired
from tests.support.server import Server, running
from tests.support.waiting import until
from tests.support.wire import EVENT_ID

pytestmark = pytest.mark.asyncio(loop_scope="session")

BODY = envelopes.event_envelope()
OPTIONS = b"OPTIONS /api/1/envelope/ HTTP/1.1\r\nHost: a\r\n\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"


def event_of(number: int) -> bytes:
    """Return an envelope whose event has a number for its id."""
    event_id = f"{number:032x}"
    return envelopes.envelope(
        {"event_id": event_id}, envelopes.item("event", payloads.event(event_id))
    )


class Held:
    """A journal that tells nobody until it is let go."""

    def __init__(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        journal = server.service.lane.gate.journal
        append = journal.append
        self.waiting: list[Callable[[], None]] = []
        self.is_held = True

        def held(*, done: Callable[[Unavailable | None], None], **facts: object) -> int:
            def told(error: Unavailable | None) -> None:
                self.waiting.append(lambda: done(error))
                if not self.is_held:
                    self.let_go()

            return append(done=told, **facts)  # type: ignore[arg-type]  # handed on as they are

        monkeypatch.setattr(journal, "append", held)

    async def reached(self, entries: int = 1) -> None:
        """Wait until so many are on disk, and not answered."""
        await until(lambda: len(self.waiting) >= entries)

    def let_go(self) -> None:
        """Let everybody be told, now and from now on."""
        self.is_held = False
        while self.waiting:
            self.waiting.pop(0)()


@pytest.fixture
def held(tenant, monkeypatch):
    """A journal that is held."""
    return Held(tenant, monkeypatch)


@pytest.fixture
def connections(monkeypatch):
    """The connections that are made from now on."""
    made: list[Connection] = []
    real = Connection.connection_made

    def noting(self, transport):
        made.append(self)
        real(self, transport)

    monkeypatch.setattr(Connection, "connection_made", noting)
    return made


async def test_a_connection_is_kept(tenant):
    """One envelope after another on the same connection, pages in between."""
    async with wired(tenant) as wire:
        for number in range(1, 4):
            wire.send(post(tenant, event_of(number)))
            answer = await wire.answer()
            assert (answer.status, json.loads(answer.body)["id"]) == (200, f"{number:032x}")
            assert "connection" not in answer.headers
            wire.send(LIVE)
            assert (await wire.answer()).status == 200


async def test_an_answer_has_its_headers(tenant):
    """Date and length, what browsers need, and not the name of the server."""
    async with wired(tenant) as wire:
        wire.send(post(tenant, BODY))
        answer = await wire.answer()
    assert answer.headers["date"].endswith(" GMT")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "server" not in answer.headers


async def test_pipelined_requests_are_answered_in_order(tenant, held):
    """While the first waits for the disk nothing behind it is answered, page or envelope."""
    async with wired(tenant) as wire:
        refused = head(tenant, "Content-Length: 0", path="/api/x/envelope/")
        wire.send(post(tenant, event_of(1)) + LIVE + refused + post(tenant, event_of(2)) + OPTIONS)
        await held.reached()
        assert wire.reader._buffer == b""  # type: ignore[attr-defined]  # what has come
        held.let_go()
        answers = [await wire.answer() for _ in range(5)]
    assert [each.status for each in answers] == [200, 200, 400, 200, 200]
    assert json.loads(answers[0].body) == {"id": f"{1:032x}"}
    assert "access-control-allow-origin" not in answers[1].headers
    assert json.loads(answers[3].body) == {"id": f"{2:032x}"}


async def test_many_pipelined_requests_wait_for_one(tenant, held):
    """Two thousand behind one that waits are answered, each in a turn of its own."""
    async with wired(tenant) as wire:
        wire.send(post(tenant, BODY) + OPTIONS * 2_000)
        await held.reached()
        held.let_go()
        assert [(await wire.answer()).status for _ in range(2_001)] == [200] * 2_001


async def test_who_does_not_read_answers_is_not_read_from(tenant, connections):
    """Requests without end, no answer read: the server stops reading, and goes on when it may."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    host, _, port = tenant.base_url.removeprefix("http://").rpartition(":")
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, (host, int(port)))
    reader, writer = await asyncio.open_connection(sock=narrow, limit=4_096)
    sent = 0
    while not (connections and connections[0].flow.read_paused and connections[0]._held_back):
        writer.write(OPTIONS * 100)
        sent += 100
        await asyncio.sleep(0)
        assert sent < 1_000_000
    answered = 0
    async with asyncio.timeout(60):
        while answered < sent:
            answered += (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    assert connections[0]._held_back is None
    writer.close()


async def test_who_expects_to_be_asked_is_asked(tenant):
    """`100 Continue` for a sender who may send, then the answer."""
    async with wired(tenant) as wire:
        wire.send(head(tenant, f"Content-Length: {len(BODY)}", "Expect: 100-continue"))
        assert (await wire.answer(has_body=False)).status == 100
        wire.send(BODY)
        assert (await wire.answer()).status == 200
        wire.send(post(tenant, BODY, "Expect: 100-continue"))
        answer = await wire.answer(has_body=False)
        answer = await wire.answer() if answer.status == 100 else answer
        assert answer.status == 200


async def test_who_may_not_send_is_not_asked_to(tenant):
    """The refusal comes at once; what is sent all the same is let go, and the connection lives."""
    async with wired(tenant) as wire:
        stranger = head(tenant, "Content-Length: 3", "Expect: 100-continue", path="/api/0/envelope")
        wire.send(stranger)
        assert (await wire.answer()).status == 403
        wire.send(b"abc" + post(tenant, BODY))
        assert (await wire.answer()).status == 200


@pytest.mark.parametrize(
    "pieces", [(BODY,), tuple(BODY[at : at + 7] for at in range(0, len(BODY), 7))]
)
async def test_chunks_are_put_together(tenant, pieces):
    """A body without a length, in one chunk and in many."""
    async with wired(tenant) as wire:
        wire.send(head(tenant, "Transfer-Encoding: chunked") + chunked(*pieces))
        answer = await wire.answer()
    assert (answer.status, json.loads(answer.body)) == (200, {"id": EVENT_ID})


async def test_a_request_may_come_byte_by_byte(tenant):
    """Wherever the network cuts it."""
    whole = post(tenant, envelopes.envelope({"event_id": EVENT_ID}))
    async with wired(tenant) as wire:
        wire.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(whole)):
            wire.send(whole[at : at + 1])
            await wire.writer.drain()
            await asyncio.sleep(0)
        assert (await wire.answer()).status == 200


@pytest.mark.parametrize(("over", "status"), [(0, 200), (1, 413)])
@pytest.mark.parametrize("has_length", [True, False])
async def test_a_body_has_its_limit(tenant, monkeypatch, over, status, has_length):
    """One byte more is 413, announced or not; the rest is not read, the connection ends."""
    dsn = f"https://{tenant.app.key}@example.com/{tenant.app.id}"
    body = envelopes.envelope({"event_id": EVENT_ID, "dsn": dsn})
    monkeypatch.setattr(accept, "_UNNAMED_BYTES", len(body) - over)
    first = f"POST {tenant.door()} HTTP/1.1\r\nHost: a\r\n"
    length = f"Content-Length: {len(body)}\r\n\r\n"
    async with wired(tenant) as wire:
        if has_length:
            wire.send((first + length).encode() + body)
        else:
            wire.send(f"{first}Transfer-Encoding: chunked\r\n\r\n".encode() + chunked(body))
        answer = await wire.answer()
        assert answer.status == status
        assert (answer.headers.get("connection") == "close") is bool(over)
        if over:
            assert await wire.rest() == b""
    assert tenant.service.door.reading_bytes == 0


async def test_an_answer_before_the_end_of_the_body_arrives(tenant):
    """The rest is let go, since closing on unread bytes would take the answer back."""
    async with wired(tenant) as wire:
        wire.send(head(tenant, f"Content-Length: {LIMITS.body_bytes + 1}"))
        for _ in range(64):
            wire.send(bytes(1024 * 1024))
            await wire.writer.drain()
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert await wire.rest() == b""


async def test_the_rest_of_a_body_is_let_go_for_a_moment_only(tenant, monkeypatch):
    """Who goes on and on after the last answer is cut off."""
    monkeypatch.setattr(Connection, "linger_s", 0.05)
    async with wired(tenant) as wire:
        wire.send(head(tenant, f"Content-Length: {LIMITS.body_bytes + 1}"))
        assert (await wire.answer()).status == 413
        with pytest.raises(ConnectionError):
            await wire.send_for_ever(b"{")


async def test_bodies_in_flight_are_bounded(tenant, monkeypatch):
    """With too much in memory a sender is hung up on, and sends again."""
    await until(lambda: tenant.service.door.reading_bytes == 0)
    monkeypatch.setattr(exchange, "_READING_BYTES", len(BODY) - 1)
    async with wired(tenant) as wire:
        wire.send(post(tenant, BODY))
        assert await wire.rest() == b""
    assert tenant.service.door.reading_bytes == 0
    monkeypatch.setattr(exchange, "_READING_BYTES", len(BODY))
    async with wired(tenant) as wire:
        wire.send(post(tenant, BODY))
        assert (await wire.answer()).status == 200
    assert tenant.service.door.reading_bytes == 0


@pytest.mark.parametrize(
    ("lines", "version"),
    [(["Connection: close"], "1.1"), ([], "1.0"), (["Connection: keep-alive"], "1.0")],
)
async def test_a_connection_ends_where_the_sender_says(tenant, lines, version):
    """After `Connection: close`, and after a request of HTTP/1.0."""
    async with wired(tenant) as wire:
        wire.send(post(tenant, BODY, *lines, version=version))
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await wire.rest() == b""


async def test_a_sender_may_close_its_half(tenant, held):
    """Who has sent all it will is answered all the same; who stops in the middle is not."""
    async with wired(tenant) as wire:
        wire.send(post(tenant, BODY))
        wire.writer.write_eof()
        await held.reached()
        held.let_go()
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await wire.rest() == b""
    async with wired(tenant) as wire:
        wire.send(post(tenant, BODY)[:-1])
        wire.writer.write_eof()
        assert await wire.rest() == b""


@pytest.mark.parametrize("is_reset", [True, False])
async def test_a_sender_that_is_gone_is_not_answered(tenant, held, caplog, is_reset):
    """Its envelope is kept, since it is on disk; nothing is written to a closed connection."""
    async with wired(tenant) as wire:
        wire.send(post(tenant, BODY))
        await held.reached()
        if is_reset:
            now = struct.pack("ii", 1, 0)
            wire.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, now
            )
    if is_reset:
        await until(lambda: tenant.service.door.reading_bytes == 0)
    held.let_go()
    await tenant.settled()
    await until(lambda: tenant.service.door.reading_bytes == 0)
    assert await tenant.outcomes() == {("event", "kept", ""): 1}
    assert [each for each in caplog.records if each.levelname != "INFO"] == []


async def test_a_server_that_stops_answers_what_it_has(tenant, held, connections):
    """An idle connection is closed at once, one that waits for the disk after its answer."""
    async with wired(tenant) as idle, wired(tenant) as busy:
        busy.send(post(tenant, BODY))
        await held.reached()
        await until(lambda: len(connections) == 2)
        for connection in connections:
            connection.shutdown()
        assert await idle.rest() == b""
        held.let_go()
        answer = await busy.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await busy.rest() == b""


async def test_noise_behind_an_envelope_takes_no_answer(tenant, held):
    """While an envelope waits for the disk, a 400 for what follows would stand in its place."""
    async with wired(tenant) as wire:
        wire.send(post(tenant, BODY) + b"no http\r\n\r\n")
        assert await wire.rest() == b""
    held.let_go()
    async with wired(tenant) as wire:
        wire.send(b"no http\r\n\r\n")
        assert (await wire.answer()).status == 400


async def test_java_may_ask_for_http_2(tenant):
    """Its client asks with every first request; it is answered in HTTP/1.1."""
    asks = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIA")
    async with wired(tenant) as wire:
        wire.send(post(tenant, BODY, *asks))
        assert (await wire.answer()).status == 200


async def test_no_other_protocol_is_spoken(tenant):
    """Pages too are answered as if nobody had asked, and the next request is read."""
    asks = b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    async with wired(tenant) as wire:
        wire.send(LIVE[:-2] + asks + post(tenant, BODY))
        assert "access-control-allow-origin" not in (await wire.answer()).headers
        assert json.loads((await wire.answer()).body) == {"id": EVENT_ID}


@pytest.mark.parametrize("path", ["/%61pi/{id}/envelope/", "http://a/api/{id}/envelope/?a=b"])
async def test_odd_urls_are_read(tenant, path):
    """Percent signs where none are needed, and the whole URL as proxies are sent it."""
    async with wired(tenant) as wire:
        path = path.format(id=tenant.app.id)
        wire.send(head(tenant, f"Content-Length: {len(BODY)}", path=path) + BODY)
        assert (await wire.answer()).status == 200


async def test_head_is_told_the_length_only(tenant):
    """What follows on the connection is not taken for a body."""
    async with wired(tenant) as wire:
        wire.send(b"HEAD /api/1/envelope/ HTTP/1.1\r\nHost: a\r\n\r\n" + OPTIONS)
        answer = await wire.answer(has_body=False)
        assert (answer.status, int(answer.headers["content-length"]) > 0) == (405, True)
        assert (await wire.answer()).status == 200


async def test_a_key_that_is_not_known_yet_is_asked_for(tenant, monkeypatch):
    """The body comes meanwhile, or after; either way it is taken."""
    keys = tenant.service.lane.gate.keys
    for is_slow in (False, True):
        monkeypatch.setattr(keys, "_records", {})
        async with wired(tenant) as wire:
            whole = post(tenant, BODY)
            wire.send(whole[:-10] if is_slow else whole)
            await until(lambda: bool(keys._records))
            wire.send(whole[-10:] if is_slow else b"")
            assert (await wire.answer()).status == 200


async def test_without_room_in_memory_an_answer_waits(tenant, monkeypatch):
    """A moment only: then it is on disk, and answered."""
    inbox = tenant.service.lane.gate.inbox
    waited = 0
    room = inbox.room

    async def noting() -> None:
        nonlocal waited
        waited += 1
        await room()

    monkeypatch.setattr(inbox, "room", noting)
    inbox._has_room.clear()
    async with wired(tenant) as wire:
        wire.send(post(tenant, BODY))
        assert (await wire.answer()).status == 200
    assert waited == 1


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
async def test_a_trusted_proxy_tells_who_sends(database_url, tmp_path, monkeypatch, case):
    """Nobody else's word counts, and of a chain of proxies the part that is ours."""
    proxies, said, client = case
    async with running(database_url, tmp_path, trusted_proxies=proxies) as server:
        journal = server.service.lane.gate.journal
        append = journal.append
        found: list[str] = []

        def noting(*, client_ip, **facts):
            found.append(client_ip)
            return append(client_ip=client_ip, **facts)

        monkeypatch.setattr(journal, "append", noting)
        async with wired(server) as wire:
            lines = [] if said is None else [f"X-Forwarded-For: {said}"]
            wire.send(post(server, BODY, *lines))
            assert (await wire.answer()).status == 200
    assert found == [client]
